/** What VS Code calls in the extension host: runs the suites of the folder that RESIDENT_SUITES names. */
import { readdirSync } from "node:fs";
import path from "node:path";
import Mocha from "mocha";

const root = path.resolve(__dirname, "..", "..", "..");

export function run(): Promise<void> {
  const mocha = new Mocha({
    ui: "bdd",
    timeout: 90_000,
    reporter: path.join(root, "test", "runner", "reporter.cjs"),
  });
  const folder = path.join(__dirname, process.env["RESIDENT_SUITES"] ?? ".");
  for (const file of readdirSync(folder).sort()) {
    if (file.endsWith(".test.js")) mocha.addFile(path.join(folder, file));
  }
  return new Promise((resolve, reject) => {
    mocha.run((failures) => (failures > 0 ? reject(new Error(`${failures} failed`)) : resolve()));
  });
}
