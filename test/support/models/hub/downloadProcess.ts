/** Gets a model from a fake hub: a process of its own, which a test kills. Arguments: the hub's address, folder, name. */
import { getModel } from "./hubRig";

const [url = "", folder = "", name = ""] = process.argv.slice(2);

getModel({ url }, folder, name).then(
  (directory) => process.stdout.write(directory),
  (error: unknown) => {
    process.stderr.write(String(error));
    process.exitCode = 1;
  },
);
