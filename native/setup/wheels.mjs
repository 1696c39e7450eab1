import fs from "node:fs";
import path from "node:path";
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

/**
 * Unpacks the parts `keep` of one pinned source archive to `target`. pip refuses it unless its SHA-256 is the one in the
 * source. Nothing of it runs: pip asks every archive's build system for its name and version, and gets the answer from
 * a stand-in that copies what the archive says of itself.
 */
export async function fetchSource({ requirement, sha256, buildSystem, keep }, target) {
  await replaceFolder(target, async (part) => {
    const work = `${part}-work`;
    fs.rmSync(work, { recursive: true, force: true });
    const module = path.join(work, "python", ...buildSystem.split("."));
    fs.mkdirSync(path.dirname(module), { recursive: true });
    fs.writeFileSync(path.join(work, "python", buildSystem.split(".")[0], "__init__.py"), "");
    fs.writeFileSync(`${module}.py`, standIn);
    const list = path.join(work, "list.txt");
    fs.writeFileSync(list, `${requirement} --hash=sha256:${sha256}\n`);
    const options = [
      "--disable-pip-version-check",
      "--no-deps",
      "--require-hashes",
      "--no-binary=:all:",
      "--no-build-isolation",
      "--ignore-requires-python",
    ];
    try {
      const args = ["-m", "pip", "download", ...options, "--dest", work, "-r", list];
      const env = { ...process.env, PYTHONPATH: path.join(work, "python") };
      await run(`fetching ${requirement}`, python, args, { env, advice: adviceFor });
      const archive = fs.readdirSync(work).find((name) => name.endsWith(".tar.gz"));
      const unpacked = path.join(work, "unpacked");
      const unpack = ["-m", "tarfile", "-e", path.join(work, archive), unpacked];
      await run(`unpacking ${requirement}`, python, unpack);
      const [folder] = fs.readdirSync(unpacked);
      for (const name of keep) {
        fs.mkdirSync(path.dirname(path.join(part, name)), { recursive: true });
        fs.renameSync(path.join(unpacked, folder, name), path.join(part, name));
      }
    } finally {
      fs.rmSync(work, { recursive: true, force: true });
    }
  });
}

/** A build system's part that tells name and version (PEP 517). */
const standIn = `import os, re, shutil
def prepare_metadata_for_build_wheel(directory, config_settings=None):
    said = open("PKG-INFO", encoding="utf-8").read()
    name, version = (re.search("^" + key + ": (.+)$", said, re.M).group(1) for key in ("Name", "Version"))
    folder = name.replace("-", "_") + "-" + version + ".dist-info"
    os.makedirs(os.path.join(directory, folder), exist_ok=True)
    shutil.copy("PKG-INFO", os.path.join(directory, folder, "METADATA"))
    return folder
def build_wheel(directory, config_settings=None, metadata_directory=None):
    raise RuntimeError("only its sources are wanted")
`;

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
