import fs from "node:fs";
import { run } from "./run.mjs";
import { replaceFolder } from "./stamps.mjs";
import { python } from "./tools.mjs";

/** Unpacks one pinned wheel to `target`. pip refuses it unless its SHA-256 is the one in the source. */
export async function fetchWheel({ requirement, sha256, tags }, target) {
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
  await replaceFolder(target, async (part) => {
    const list = `${part}.txt`;
    fs.writeFileSync(list, `${requirement} --hash=sha256:${sha256}\n`);
    try {
      const args = ["-m", "pip", "install", ...options, ...platforms, "--target", part, "-r", list];
      await run(`fetching ${requirement}`, python, args, { advice: adviceFor });
    } finally {
      fs.rmSync(list, { force: true });
    }
  });
}

/** What pip ends with is often "No matching distribution", whatever the cause: what it says before counts first. */
function adviceFor(said) {
  if (/connection|timed out|timeout|name resolution|ProxyError|SSLError|certificate/i.test(said)) {
    return "check the network (a proxy belongs into HTTPS_PROXY, an index into PIP_INDEX_URL) and run set-up again";
  }
  if (/no such option/i.test(said)) {
    return `this pip is too old: update it (${python} -m pip install --user --upgrade pip) and run set-up again`;
  }
  if (/DO NOT MATCH THE HASHES/.test(said)) {
    return "the index gave another file than the one that is pinned: use pypi.org's own, and run set-up again";
  }
  if (/No matching distribution|Requires-Python|different python version/i.test(said)) {
    return (
      `the index that pip asks does not have this wheel: look at "${python} -m pip config list" and PIP_INDEX_URL, ` +
      `update pip (${python} -m pip install --user --upgrade pip), and run set-up again`
    );
  }
  return `mend what pip says and run set-up again; "${python} -m pip --version" must work`;
}
