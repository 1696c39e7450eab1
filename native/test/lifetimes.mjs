/**
 * What the addon must survive, each in a process of its own: `node --expose-gc lifetimes.mjs <scenario> <resident.node>
 * <model folder>`. run.mjs starts them, with the plain build and under sanitizers. Exit code 0 is a pass.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

const require = createRequire(import.meta.url);
const [, , scenario, addonFile, modelFolder] = isMainThread ? process.argv : ["", "", ...workerData];

const greedy = {
  temperature: 0,
  topK: 0,
  topP: 1,
  minP: 0,
  repetitionPenalty: 1,
  presencePenalty: 0,
  frequencyPenalty: 0,
  seedLow: 0,
  seedHigh: 0,
  biasIds: new Int32Array(0),
  biasValues: new Float32Array(0),
  recentIds: new Int32Array(0),
  answerIds: new Int32Array(0),
  answerCounts: new Int32Array(0),
  stopIds: new Int32Array(0),
  lookupIds: new Int32Array(0),
  logprobs: 0,
};

const batch = (steps) => ({
  tokens: Int32Array.of(3, 1, 4),
  tokenCounts: Int32Array.of(3),
  starts: Int32Array.of(0),
  tables: Int32Array.from({ length: 30 }, (_, i) => i),
  tableLengths: Int32Array.of(30),
  wantToken: Uint8Array.of(1),
  sampling: [greedy],
  steps,
});

const open = () => require(addonFile);
// On the device of the machine, or the one that RESIDENT_DEVICE names.
const load = (addon) => addon.loadModel({ directory: modelFolder }, () => {}).result;

/** A run of `steps` steps; resolves with the ids. `onStep` sees each step. */
async function generate(pool, steps, onStep = () => {}, sampling = greedy) {
  const ids = [];
  const task = pool.run({ ...batch(steps), sampling: [sampling] }, (tokens) => {
    ids.push(...tokens.map(({ id }) => id));
    onStep(ids.length, task);
  });
  await task.result;
  return ids;
}

/** Words "a" and "b", and whatever else ids stand for. */
const vocabularyOf = (model) =>
  model.createVocabulary({
    bytes: Uint8Array.from({ length: 40 }, (_, i) => 97 + (i % 26)),
    ends: Int32Array.from({ length: 40 }, (_, i) => i + 1),
    controlIds: new Int32Array(0),
    markIds: new Int32Array(0),
  });

const constrained = (grammar) => ({ ...greedy, grammar, grammarIds: new Int32Array(0), stopIds: Int32Array.of(41) });

/** Compilations that take a moment together. */
const manySchemas = (model, vocabulary) =>
  Array.from({ length: 40 }, (_, i) => {
    const properties = Object.fromEntries(
      Array.from({ length: 30 }, (__, k) => [`p${k}`, { type: "string", maxLength: i }]),
    );
    const text = JSON.stringify({ type: "object", properties });
    return model.compileGrammar({ kind: "jsonSchema", text, vocabulary });
  });

const started = (pool, steps) => new Promise((resolve) => generate(pool, steps, resolve).catch(() => {}));

/** 200 steps of this model take some hundred milliseconds: enough to be in the middle of. */
const longRun = 200;

const scenarios = {
  async reload() {
    const addon = open();
    let first;
    for (let round = 0; round < 3; round++) {
      const model = await load(addon);
      const pool = await model.createPool(32, 8);
      const ids = await generate(pool, 20);
      first ??= ids;
      assert.deepEqual(ids, first);
      if (round === 1) await pool.dispose();
      await model.dispose();
      await model.dispose();
      await assert.rejects(generate(pool, 1), { code: "INVALID_REQUEST" });
    }
  },

  async disposeTwiceAndAgainLater() {
    const addon = open();
    const first = await load(addon);
    await Promise.all([first.dispose(), first.dispose()]);
    const second = await load(addon);
    const pool = await second.createPool(32, 8);
    const run = generate(pool, longRun);
    await first.dispose();
    assert.equal((await run).length, longRun);
    await Promise.all([pool.dispose(), pool.dispose(), second.dispose()]);
  },

  async disposeUnderRun() {
    const model = await load(open());
    const pool = await model.createPool(32, 8);
    const run = generate(pool, longRun);
    const queued = generate(pool, longRun);
    const outcomes = Promise.allSettled([run, queued]);
    await model.dispose();
    for (const { reason } of await outcomes) assert.equal(reason?.code, "ABORTED");
  },

  async throwingCallback() {
    const model = await load(open());
    const pool = await model.createPool(32, 8);
    const failure = new Error("the listener's own");
    await assert.rejects(
      generate(pool, longRun, () => {
        throw failure;
      }),
      (error) => error === failure,
    );
    assert.equal((await generate(pool, 5)).length, 5);
    await model.dispose();
  },

  async forgottenWithoutDispose() {
    const addon = open();
    await (async () => generate(await (await load(addon)).createPool(32, 8), 5))();
    for (let round = 0; ; round++) {
      assert.ok(round < 100, "the forgotten model was never freed");
      globalThis.gc();
      await new Promise((resolve) => setTimeout(resolve, 10));
      try {
        return await (await load(addon)).dispose();
      } catch (error) {
        assert.equal(error.code, "INVALID_REQUEST");
      }
    }
  },

  async exitInRun() {
    const model = await load(open());
    await started(await model.createPool(32, 8), longRun);
    process.exit(0);
  },

  async exitInLoad() {
    load(open());
    process.exit(0);
  },

  async exitWithNothingDisposed() {
    const model = await load(open());
    await generate(await model.createPool(32, 8), 5);
  },

  async exitAfterFilesWereAsked() {
    const model = await load(open());
    const pool = await model.createPool(32, 8);
    for (let block = 0; block < 8; block++) {
      pool.writeBlockFile({ block, tokens: 8, path: `${modelFolder}/never/${block}`, metadata: {} }).catch(() => {});
      pool.readBlockFile({ block, tokens: 8, path: `${modelFolder}/never/${block}`, expect: {} });
    }
    process.exit(0);
  },

  async grammarsUnderTheirModel() {
    const model = await load(open());
    const pool = await model.createPool(32, 8);
    const vocabulary = await vocabularyOf(model);
    const grammar = await model.compileGrammar({ kind: "ebnf", text: 'root ::= ("a" | "b") root', vocabulary });
    vocabulary.dispose();
    const run = generate(pool, longRun, () => {}, constrained(grammar));
    grammar.dispose();
    assert.equal((await run).length, longRun, "a run keeps the grammar that it began with");
    assert.throws(() => pool.run({ ...batch(1), sampling: [constrained(grammar)] }, () => {}), {
      code: "INVALID_REQUEST",
    });
    const others = manySchemas(model, await vocabularyOf(model));
    await model.dispose();
    assert.ok(
      (await Promise.all(others)).every(({ bytes }) => bytes > 0),
      "compilations outlive their model",
    );
    for (let round = 0; round < 5; round++) {
      globalThis.gc();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  },

  async exitInCompilation() {
    const model = await load(open());
    manySchemas(model, await vocabularyOf(model));
    process.exit(0);
  },

  async workers() {
    const self = fileURLToPath(import.meta.url);
    const start = (name) =>
      new Worker(self, { workerData: [name, addonFile, modelFolder], execArgv: [], stdout: false });
    const ids = await new Promise((resolve, reject) => start("inWorker").on("message", resolve).on("error", reject));
    const model = await load(open());
    const pool = await model.createPool(32, 8);
    for (const name of ["endless", "endless", "compiling", "compiling"]) {
      const worker = start(name);
      await new Promise((resolve) => worker.once("message", resolve));
      await worker.terminate();
    }
    assert.deepEqual(await generate(pool, 20), ids, "a worker computes what the main thread computes");
    await model.dispose();
  },

  async exitBesideWorker() {
    const worker = new Worker(fileURLToPath(import.meta.url), {
      workerData: ["endless", addonFile, modelFolder],
      execArgv: [],
    });
    await new Promise((resolve) => worker.once("message", resolve));
    process.exit(0);
  },

  async inWorker() {
    const model = await load(open());
    parentPort.postMessage(await generate(await model.createPool(32, 8), 20));
    await model.dispose();
  },

  async endless() {
    const pool = await (await load(open())).createPool(32, 8);
    await started(pool, longRun);
    parentPort.postMessage("running");
    for (;;) await generate(pool, longRun);
  },

  async compiling() {
    const model = await load(open());
    const vocabulary = await vocabularyOf(model);
    parentPort.postMessage("running");
    for (;;) await Promise.all(manySchemas(model, vocabulary));
  },

  /** Children are forked while the computation runs: a library with fork handlers of its own would hang here. */
  async spawnBesideRun() {
    const model = await load(open());
    const pool = await model.createPool(32, 8);
    let running = true;
    let spawned = 0;
    const children = (async () => {
      while (running) {
        await new Promise((resolve, reject) =>
          spawn("true", { stdio: "ignore" }).on("exit", resolve).on("error", reject),
        );
        spawned++;
      }
    })();
    const first = await generate(pool, longRun);
    for (let round = 0; round < 4; round++) assert.deepEqual(await generate(pool, longRun), first);
    running = false;
    await children;
    assert.ok(spawned > 0);
    await model.dispose();
  },
};

const ofWorkers = ["inWorker", "endless", "compiling"];
export const scenarioNames = Object.keys(scenarios).filter((name) => !ofWorkers.includes(name));

if (!isMainThread || (process.argv[1] === fileURLToPath(import.meta.url) && scenario !== undefined)) {
  await scenarios[scenario]();
}
