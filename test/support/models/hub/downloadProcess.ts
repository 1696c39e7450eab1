/** Gets a model from a fake hub: a process of its own, which a test kills. Arguments: the hub's address, folder, name. */
import { getModel, smallParts } from "./hubRig";

const [url = "", folder = "", name = ""] = process.argv.slice(2);

// It ends by a kill only: on a busy machine a download may stand still for a while.
const options = { ...smallParts, limits: { stallMs: 60_000, leastBytes: 64 } };

getModel({ url }, folder, name, { options }).then(
  (directory) => process.stdout.write(directory),
  (error: unknown) => {
    process.stderr.write(String(error));
    process.exitCode = 1;
  },
);
