import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { type PeerHooks, type PeerRequest, parsePeerRun } from "../../../src/bench/peers";
import { peersProcess } from "../../../src/bench/peersProcess";

const run = { engine: "mlx_lm 1", settings: "f32", samples: [{ tokens: 16, ms: 8 }] };

const request: PeerRequest = {
  model: "/model",
  threads: 2,
  measure: "decode",
  promptTokens: 16,
  decodeTokens: 8,
  sequences: 1,
  repeats: 1,
  budgetMs: 1000,
};

describe("A peer's output", () => {
  it("is read as it was written", () => {
    assert.deepEqual(parsePeerRun(JSON.stringify(run)), run);
  });

  it("is refused where it is not whole or measures nothing", () => {
    assert.throws(() => parsePeerRun("[]"), /not what was expected/);
    assert.throws(() => parsePeerRun(JSON.stringify({ ...run, samples: [] })), /nothing was measured/);
    for (const change of [{ engine: 1 }, { settings: null }, { samples: [{ tokens: "1", ms: 1 }] }]) {
      assert.throws(() => parsePeerRun(JSON.stringify({ ...run, ...change })), /the output/);
    }
    for (const sample of [
      { tokens: 0, ms: 1 },
      { tokens: 1, ms: 0 },
    ]) {
      assert.throws(() => parsePeerRun(JSON.stringify({ ...run, samples: [sample] })), /no tokens or took no time/);
    }
  });
});

describe("The peers as processes", () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), "resident peers "));
    await mkdir(path.join(folder, "peers"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  /** Runs `script` in the place of what installs a peer and starts it. */
  async function runScript(script: string, hooks: Partial<PeerHooks> = {}) {
    await writeFile(path.join(folder, "peers", "run.mjs"), script);
    const signal = new AbortController().signal;
    return peersProcess(folder)("mlx_lm", request, { onPreparing: () => {}, signal, ...hooks });
  }

  it("get the request on their input and their name as argument", async () => {
    const script = `let text = ""; for await (const part of process.stdin) text += part;
      const { decodeTokens, model } = JSON.parse(text);
      console.log(JSON.stringify({ engine: process.argv[2], settings: model, samples: [{ tokens: decodeTokens, ms: 1 }] }));`;
    assert.deepEqual(await runScript(script), {
      engine: "mlx_lm",
      settings: "/model",
      samples: [{ tokens: 8, ms: 1 }],
    });
  });

  it("tell what they install, and nothing else", async () => {
    const told: string[] = [];
    const script = `console.error("[peers] installing it, once"); setTimeout(() => { console.error("a warning");
      console.log(${JSON.stringify(JSON.stringify(run))}); }, 50);`;
    await runScript(script, { onPreparing: (message) => told.push(message) });
    assert.deepEqual(told, ["installing it, once"]);
  });

  it("fail with the last line that they said", async () => {
    const script = `console.error("first"); console.error("no compiler"); process.exitCode = 1;`;
    await assert.rejects(runScript(script), /^Error: no compiler$/);
  });

  it("end with everything that they have started when they are cancelled", async () => {
    const cancel = new AbortController();
    // As a compiler does, the grandchild would outlive its parent. It holds the output: that only closes with both.
    const script = `import { spawn } from "node:child_process";
      spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "inherit" });
      console.error("[peers] it has started"); setInterval(() => {}, 1000);`;
    const running = runScript(script, { signal: cancel.signal, onPreparing: () => cancel.abort() });
    await assert.rejects(running, { code: "ABORTED" });
  });
});
