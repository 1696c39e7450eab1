import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { parseReferenceRun, type ReferenceHooks } from "../../../src/bench/reference";
import { referenceProcess } from "../../../src/bench/referenceProcess";

const run = {
  versions: "mlx_lm 1",
  answers: [
    { name: "a", promptTokens: 1, tokenIds: [2], gaps: [0.5], finishReason: "stop", decoded: "x", generated: "x" },
  ],
};

describe("The reference's output", () => {
  it("is read as it was written", () => {
    assert.deepEqual(parseReferenceRun(JSON.stringify(run)), run);
  });

  it("is refused where something is missing or of another type", () => {
    assert.throws(() => parseReferenceRun("[]"), /not what was expected/);
    assert.throws(() => parseReferenceRun(JSON.stringify({ ...run, answers: {} })), /"answers" is not a list/);
    for (const change of [{ name: 1 }, { tokenIds: ["2"] }, { promptTokens: null }, { decoded: undefined }]) {
      const broken = { ...run, answers: [{ ...run.answers[0], ...change }] };
      assert.throws(() => parseReferenceRun(JSON.stringify(broken)), /the output/);
    }
  });
});

describe("The reference as a process", () => {
  let folder: string;
  const request = { model: "/model", prompts: [] };

  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), "resident reference "));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  /** Runs `script` in the place of what sets Python up and starts it. */
  async function runScript(script: string, hooks: Partial<ReferenceHooks> = {}) {
    await writeFile(path.join(folder, "python.mjs"), script);
    const signal = new AbortController().signal;
    return referenceProcess(folder)(request, { onAnswered: () => {}, signal, ...hooks });
  }

  it("gets the request on its input, and its output is the answer", async () => {
    const script = `let text = ""; for await (const part of process.stdin) text += part;
      const { model } = JSON.parse(text);
      console.log(JSON.stringify({ versions: model + " " + process.argv[2], answers: [] }));`;
    assert.deepEqual(await runScript(script), { versions: "/model exp005.py", answers: [] });
  });

  it("tells how many prompts it has answered", async () => {
    const told: number[] = [];
    const script = `console.error("0/2 hello"); setTimeout(() => { console.error("1/2 capital");
      console.log('{"versions":"","answers":[]}'); }, 50);`;
    await runScript(script, { onAnswered: (done) => told.push(done) });
    assert.equal(told.at(-1), 1);
  });

  it("fails with the last line of what it said, and how to set it up", async () => {
    const script = `console.error("first"); console.error("no wheel for this Python"); process.exitCode = 3;`;
    await assert.rejects(runScript(script), { code: "INTERNAL", message: /no wheel for this Python: run `node test/ });
  });

  it("fails when it ends at once without reading its input", async () => {
    await assert.rejects(runScript("process.exit(4)"), { code: "INTERNAL", what: /exit code 4/ });
  });

  it("is ended when it is cancelled", async () => {
    const cancel = new AbortController();
    const running = runScript(`console.error("0/1 a"); setInterval(() => {}, 1000);`, {
      signal: cancel.signal,
      onAnswered: () => cancel.abort(),
    });
    await assert.rejects(running, { code: "ABORTED" });
  });
});
