#!/usr/bin/env node
/**
 * `npm run package [-- --target PLATFORM] [--macos 26] [--out FILE]`: the VSIX of a platform, by default this one's.
 *
 * Set-up, a production build, then a folder with only what `native/package/files.mjs` allows, and vsce over that folder:
 * vsce's own `--target` names the platform and leaves nothing out. What came out is compared with the same list. The same
 * stage and sources give the same bytes.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { checkContents, stageFiles } from "./package/files.mjs";
import { bundledPackages, shippedNativeParts, thirdPartyLicenses } from "./package/licenses.mjs";
import { libraryProblems } from "./package/linuxLibraries.mjs";
import { packageName, readOptions } from "./package/targets.mjs";
import { readZip } from "./package/zip.mjs";
import { stageParts } from "./setup/parts.mjs";
import { macBuild, platform } from "./setup/pins.mjs";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const manifest = JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8"));
/** The oldest time that a zip file can tell. */
const zipEpoch = Date.UTC(1980, 0, 1) / 1000;

function run(what, args, cwd = root, env = process.env) {
  const result = spawnSync(process.execPath, args, { cwd, encoding: "utf8", env });
  if (result.status !== 0) throw new Error(`${what} failed:\n${result.stdout}${result.stderr}`);
}

function setUp({ target, macos }) {
  const parts = stageParts(target);
  if (parts === undefined) throw new Error(`${platform} compiles nothing for ${target}: package on such a machine`);
  const result = spawnSync(process.execPath, [path.join(root, "native", "setup.mjs"), "--only", parts.join(",")], {
    stdio: "inherit",
    env: { ...process.env, RESIDENT_MLX_FOR_MACOS: macos },
  });
  if (result.status !== 0) throw new Error(`set-up for ${target} failed`);
}

/** What a person who installs the extension has no use for stays out of its manifest. */
function writeManifest(folder) {
  const { scripts: _scripts, devDependencies: _devDependencies, private: _private, ...shipped } = manifest;
  fs.writeFileSync(path.join(folder, "package.json"), `${JSON.stringify(shipped, null, 2)}\n`);
}

/**
 * Symbols of our addon that nobody links against; MLX's own libraries stay byte for byte. An addon for another platform is
 * as it was linked: on Linux nobody would sign one for macOS again.
 */
function strip(addon, target) {
  if (target !== platform) return;
  const args = target.startsWith("darwin-") ? ["-x", addon] : ["--strip-unneeded", addon];
  const result = spawnSync("strip", args, { encoding: "utf8" });
  if (result.status !== 0) console.warn(`The addon keeps its symbols: ${result.error?.message ?? result.stderr}`);
  // Apple silicon refuses code whose signature no longer fits.
  if (target.startsWith("darwin-") && spawnSync("codesign", ["--force", "--sign", "-", addon]).status !== 0) {
    throw new Error(`codesign cannot sign ${addon}: install the command line tools (xcode-select --install)`);
  }
}

/** The extension's folder as it is installed. */
function stage(work, target) {
  const built = path.join(work, "built");
  const folder = path.join(work, "extension");
  run("the production build", ["esbuild.js", "--production", `--out=${built}`]);
  const sources = [
    [root, "README.md"],
    [root, "CHANGELOG.md"],
    [root, "LICENSE"],
    [root, "media"],
    [built, "dist"],
    [root, `native/stage/${target}`],
  ];
  stageFiles(folder, sources, target);
  writeManifest(folder);
  const thirdParty = [...bundledPackages(root, path.join(built, "meta")), ...shippedNativeParts(root, target)];
  fs.writeFileSync(path.join(folder, "THIRD_PARTY_LICENSES.txt"), thirdPartyLicenses(thirdParty));
  const staged = path.join(folder, "native", "stage", target);
  strip(path.join(staged, "resident.node"), target);
  const problems = target.startsWith("linux-") ? libraryProblems(staged, target) : [];
  if (problems.length > 0) throw new Error(`the addon would not load everywhere: ${problems.join("; ")}`);
  return folder;
}

/** With a fixed time vsce sorts the entries too. The time zone and the language are those of nobody's machine. */
function zip(folder, target, vsix) {
  fs.mkdirSync(path.dirname(vsix), { recursive: true });
  fs.rmSync(vsix, { force: true });
  const vsce = path.join(root, "node_modules", "@vscode", "vsce", "vsce");
  const args = ["package", "--target", target, "--out", vsix];
  const options = ["--no-dependencies", "--no-rewrite-relative-links", "--allow-missing-repository", "--skip-license"];
  const env = { ...process.env, SOURCE_DATE_EPOCH: `${zipEpoch}`, TZ: "UTC", LC_ALL: "C" };
  run("vsce", [vsce, ...args, ...options], folder, env);
}

try {
  const options = readOptions(process.argv.slice(2), platform, macBuild());
  const { target } = options;
  const vsix = options.out ?? path.join(root, packageName(manifest, options));
  setUp(options);
  const work = path.join(root, "out", "package", target);
  fs.rmSync(work, { recursive: true, force: true });
  zip(stage(work, target), target, vsix);

  const names = readZip(vsix).map(({ name }) => name);
  const { unexpected, missing } = checkContents(names, target);
  if (unexpected.length > 0) throw new Error(`the VSIX holds what is not on the list: ${unexpected.join(", ")}`);
  if (missing.length > 0) throw new Error(`the VSIX lacks ${missing.join(", ")}`);
  const bytes = fs.readFileSync(vsix);
  const megabytes = (bytes.length / 2 ** 20).toFixed(1);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  console.log(`${path.relative(process.cwd(), vsix)}: ${names.length} files, ${megabytes} MB, SHA-256 ${sha256}`);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
