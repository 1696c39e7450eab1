#!/usr/bin/env node
/**
 * `npm run pictures`: draws the README's pictures with the current build. Set-up and packaging, two benchmarks for the
 * status view, then a browser drives a fresh VS Code server with the starter model. Some minutes; the figures in the
 * pictures are those of this machine, so nothing else should run on it.
 *
 *   node test/pictures/run.mjs              packages first, writes to media/readme/
 *   node test/pictures/run.mjs --vsix FILE  uses this package
 *   node test/pictures/run.mjs --out DIR    writes there
 *   node test/pictures/run.mjs --no-bench   leaves the benchmarks out: for a look while the script is changed
 */
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { ensureBrowser } from "../host/browser.mjs";
import { packaged, withPackaged } from "../ui/packaged.mjs";
import { animation } from "./animation.mjs";

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
const outAt = process.argv.indexOf("--out");
const out = outAt === -1 ? path.join(root, "media", "readme") : path.resolve(process.argv[outAt + 1] ?? "");

/** Greedy answers: the same text each time. */
const settings = { "resident.answers.temperature": 0, "window.autoDetectColorScheme": true };

function run(what, ...args) {
  const result = spawnSync(process.execPath, args, { cwd: root, stdio: "inherit" });
  if (result.status !== 0) throw new Error(`${what} failed: see its output above`);
}

try {
  ensureBrowser();
  run("set-up", "native/setup.mjs", "--only", "mlx,addon,build,model");
  run("the build of the pictures' script", "esbuild.js", "--tests=pictures");
  await withPackaged(packaged(), settings, async ({ home, workspace, start }) => {
    const suites = process.argv.includes("--no-bench") ? [] : ["resume", "exp-006"];
    for (const suite of suites) run(`bench ${suite}`, "dist/cli.js", "bench", suite, "--home", home);
    const server = await start();
    process.env.RESIDENT_UI_URL = server.url(workspace);
    process.env.RESIDENT_UI_SCREENSHOTS = out;
    const { drawPictures } = createRequire(import.meta.url)(path.join(root, "out", "test", "pictures", "index.js"));
    const { frames, squeezed } = await drawPictures();
    fs.writeFileSync(path.join(out, "reload.gif"), animation(frames, squeezed));
  });
  for (const file of fs.readdirSync(out).sort()) {
    console.log(`${path.join(out, file)}: ${Math.round(fs.statSync(path.join(out, file)).size / 1024)} KB`);
  }
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
process.exit();
