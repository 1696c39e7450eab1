#!/usr/bin/env node
/**
 * `npm run package [-- --out FILE]`: the VSIX of this platform.
 *
 * Set-up, a production build, then a folder with only what `native/package/files.mjs` allows, and vsce over that folder:
 * vsce's own `--target` names the platform and leaves nothing out. What came out is compared with the same list.
 */
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { checkContents, stageFiles, zipNames } from "./package/files.mjs";
import { bundledPackages, shippedNativeParts, thirdPartyLicenses } from "./package/licenses.mjs";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const target = `${process.platform}-${process.arch}`;
const work = path.join(root, "out", "package");
const manifest = JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8"));
const outAt = process.argv.indexOf("--out");
const vsix = path.resolve(
  outAt === -1
    ? path.join(root, `${manifest.name}-${target}-${manifest.version}.vsix`)
    : (process.argv[outAt + 1] ?? ""),
);

function run(what, args, cwd = root) {
  const result = spawnSync(process.execPath, args, { cwd, encoding: "utf8" });
  if (result.status !== 0) throw new Error(`${what} failed:\n${result.stdout}${result.stderr}`);
}

/** What a person who installs the extension has no use for stays out of its manifest. */
function writeManifest(folder) {
  const { scripts: _scripts, devDependencies: _devDependencies, private: _private, ...shipped } = manifest;
  fs.writeFileSync(path.join(folder, "package.json"), `${JSON.stringify(shipped, null, 2)}\n`);
}

/** Symbols of our addon that nobody links against; MLX's own libraries stay byte for byte. */
function strip(addon) {
  const args = process.platform === "darwin" ? ["-x", addon] : ["--strip-unneeded", addon];
  const result = spawnSync("strip", args, { encoding: "utf8" });
  if (result.status !== 0) console.warn(`The addon keeps its symbols: ${result.error?.message ?? result.stderr}`);
  // Apple silicon refuses code whose signature no longer fits.
  if (process.platform === "darwin") spawnSync("codesign", ["--force", "--sign", "-", addon]);
}

const setUp = spawnSync(process.execPath, [path.join(root, "native", "setup.mjs"), "--only", "mlx,addon"], {
  stdio: "inherit",
});
if (setUp.status !== 0) process.exit(setUp.status ?? 1);

try {
  fs.rmSync(work, { recursive: true, force: true });
  const built = path.join(work, "built");
  const folder = path.join(work, "extension");
  run("the production build", ["esbuild.js", "--production", `--out=${built}`]);

  stageFiles(folder, [
    [root, "README.md"],
    [root, "CHANGELOG.md"],
    [root, "LICENSE"],
    [root, "media"],
    [built, "dist"],
    [root, `native/stage/${target}`],
  ]);
  writeManifest(folder);
  const thirdParty = [...bundledPackages(root, path.join(built, "meta")), ...shippedNativeParts(root, target)];
  fs.writeFileSync(path.join(folder, "THIRD_PARTY_LICENSES.txt"), thirdPartyLicenses(thirdParty));
  strip(path.join(folder, "native", "stage", target, "resident.node"));

  fs.mkdirSync(path.dirname(vsix), { recursive: true });
  fs.rmSync(vsix, { force: true });
  run(
    "vsce",
    [
      path.join(root, "node_modules", "@vscode", "vsce", "vsce"),
      ...["package", "--target", target, "--out", vsix],
      ...["--no-dependencies", "--no-rewrite-relative-links", "--allow-missing-repository", "--skip-license"],
    ],
    folder,
  );

  const names = zipNames(vsix);
  const { unexpected, missing } = checkContents(names);
  if (unexpected.length > 0) throw new Error(`the VSIX holds what is not on the list: ${unexpected.join(", ")}`);
  if (missing.length > 0) throw new Error(`the VSIX lacks ${missing.join(", ")}`);
  const megabytes = (fs.statSync(vsix).size / 2 ** 20).toFixed(1);
  console.log(`${path.relative(process.cwd(), vsix)}: ${names.length} files, ${megabytes} MB`);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
