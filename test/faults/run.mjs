#!/usr/bin/env node
/** `npm run faults [-- --quick --seed N --only CASE --verbose]`: set-up, the harness's bundle, then its cases. */
import { spawnSync } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));

function run(args) {
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

run(["native/setup.mjs", "--only", "mlx,addon,build,model"]);
run(["esbuild.js", "--tests=faults"]);
run(["out/test/faults/index.js", ...process.argv.slice(2)]);
