import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { benchText } from "../../../src/bench/benchText";
import { type KvDtype, kvDtypes, kvHeadBytes } from "../../../src/common/kvDtypes";
import { readTextFiles } from "../../../src/models/modelDirectory";
import type { NativeModel } from "../../../src/native/binding";
import { loadAddon } from "../../../src/native/loader";
import { createTextModel } from "../../../src/text/textModel";
import { temporaryFolder } from "../../support/models/folders";
import { starterModel } from "../../support/models/starterModel";
import { greedySampling, stageRoot } from "../../support/native/nativeRig";
import { wideConfig, writeRandomModel } from "../../support/native/randomModel";

const directory = starterModel;
const blockTokens = 64;
const blocks = Array.from({ length: 8 }, (_, i) => i);
const variables = ["RESIDENT_OPS", "RESIDENT_CPU_LEVEL", "RESIDENT_THREADS"] as const;

type Environment = Readonly<Partial<Record<(typeof variables)[number], string>>>;

/** Loads the starter model as `environment` says, for as long as `body` takes. */
async function withModel<T>(
  environment: Environment,
  body: (model: NativeModel) => Promise<T>,
  kvDtype?: KvDtype,
): Promise<T> {
  const before = variables.map((name) => process.env[name]);
  for (const name of variables) delete process.env[name];
  Object.assign(process.env, environment);
  try {
    const model = await loadAddon(stageRoot).loadModel(
      { directory, device: "cpu", ...(kvDtype === undefined ? {} : { kvDtype }) },
      () => {},
    ).result;
    try {
      return await body(model);
    } finally {
      await model.dispose();
    }
  } finally {
    variables.forEach((name, i) => {
      const value = before[i];
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    });
  }
}

/** The logits after `tokens`, which are read in these chunks into these blocks. */
async function logitsOf(model: NativeModel, tokens: Int32Array, chunks: readonly number[]): Promise<Float32Array[]> {
  const pool = await model.createPool(blocks.length, blockTokens);
  const all: Float32Array[] = [];
  let at = 0;
  for (const chunk of chunks) {
    // Shuffled blocks: 7, 6, … 0.
    const table = Int32Array.from(blocks.slice(0, Math.ceil((at + chunk) / blockTokens)), (i) => blocks.length - 1 - i);
    all.push(await pool.logits(tokens.subarray(at, at + chunk), at, table));
    at += chunk;
  }
  await pool.dispose();
  return all;
}

const same = (a: Float32Array | undefined, b: Float32Array | undefined) =>
  a !== undefined && b !== undefined && Buffer.compare(Buffer.from(a.buffer), Buffer.from(b.buffer)) === 0;

function largestDifference(a: Float32Array | undefined, b: Float32Array | undefined): number {
  let largest = 0;
  a?.forEach((value, i) => {
    largest = Math.max(largest, Math.abs(value - (b?.[i] ?? Number.NaN)));
  });
  return a === undefined || b === undefined ? Number.NaN : largest;
}

function best(logits: Float32Array): number {
  return logits.reduce((at, value, i) => (value > (logits[at] ?? Number.NaN) ? i : at), 0);
}

/** Of the token that comes, in nats. */
function surprise(logits: Float32Array, token: number): number {
  const largest = logits.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  const sum = logits.reduce((total, value) => total + Math.exp(value - largest), 0);
  return largest + Math.log(sum) - (logits[token] ?? Number.NaN);
}

describe("The CPU kernels on the starter model", function () {
  this.timeout(120_000);
  let tokens: Int32Array;
  let whole: Float32Array[];
  const levels: string[] = [];

  before(async () => {
    const text = createTextModel(await readTextFiles(directory));
    tokens = Int32Array.from(text.tokenizer.encodeText(benchText("of the kernels", 330)).slice(0, 300));
    assert.equal(tokens.length, 300);
    await withModel({ RESIDENT_OPS: "cpu" }, async (model) => {
      assert.equal(model.info.ops, "cpu");
      whole = await logitsOf(model, tokens, [300]);
    });
    for (const level of ["scalar", "avx2", "avxvnni", "avx512vnni", "amxint8", "neon", "neondot"]) {
      try {
        await withModel({ RESIDENT_OPS: "cpu", RESIDENT_CPU_LEVEL: level }, async () => {});
        levels.push(level);
      } catch (error) {
        assert.match(String(error), /RESIDENT_CPU_LEVEL is/);
        console.log(`not run: level ${level} (this processor lacks it)`);
      }
    }
  });

  it("a row has the same bits in a chunk of any size, and decoded", async () => {
    await withModel({ RESIDENT_OPS: "cpu" }, async (model) => {
      for (const chunks of [
        [1, 299],
        [64, 64, 64, 64, 44],
        [7, 130, 160, 1, 1, 1],
        [290, 3, 7],
      ]) {
        assert.ok(same((await logitsOf(model, tokens, chunks)).at(-1), whole[0]), `chunks of ${chunks}`);
      }
    });
  });

  it("a row has the same bits on every level and any number of threads", async () => {
    for (const level of levels) {
      const threads = level === "scalar" ? "2" : "3";
      await withModel({ RESIDENT_OPS: "cpu", RESIDENT_CPU_LEVEL: level, RESIDENT_THREADS: threads }, async (model) => {
        assert.equal(model.info.cpuLevel, level);
        assert.equal(model.info.cpuThreads, Number(threads));
        // The oracle is slow: a shorter text.
        const count = level === "scalar" ? 24 : 300;
        const [ours] = await logitsOf(model, tokens.subarray(0, count), [count]);
        const [expected] =
          count === 300
            ? whole
            : await withModelOfDefault((other) => logitsOf(other, tokens.subarray(0, count), [count]));
        assert.ok(same(ours, expected), level);
      });
    }
  });

  it("eight sequences in one step have the bits and the tokens that each has alone", async () => {
    await withModel({ RESIDENT_OPS: "cpu" }, async (model) => {
      const pool = await model.createPool(16, blockTokens);
      const prompts = Array.from({ length: 8 }, (_, i) => tokens.slice(i * 11, i * 11 + 9 + i));
      const run = async (which: readonly number[]) => {
        const ids = new Map<number, number[]>(which.map((i) => [i, []]));
        const batch = {
          tokens: Int32Array.from(which.flatMap((i) => [...(prompts[i] ?? [])])),
          tokenCounts: Int32Array.from(which, (i) => prompts[i]?.length ?? 0),
          starts: Int32Array.from(which, () => 0),
          tables: Int32Array.from(which),
          tableLengths: Int32Array.from(which, () => 1),
          wantToken: Uint8Array.from(which, () => 1),
          sampling: which.map(() => sampling),
          steps: 24,
        };
        await pool.run(batch, (sampled) => {
          for (const { sequence, id, logprob } of sampled) {
            ids.get(which[sequence] ?? -1)?.push(id, logprob ?? Number.NaN);
          }
        }).result;
        return ids;
      };
      const together = await run([0, 1, 2, 3, 4, 5, 6, 7]);
      for (let i = 0; i < 8; i += 1) assert.deepEqual((await run([i])).get(i), together.get(i));
    });
  });

  it("logits are MLX's within 1e-3, and the perplexity to four digits", async () => {
    const steps = [20, ...Array.from({ length: 20 }, () => 1)];
    const run = (ops: string) =>
      withModel(
        { RESIDENT_OPS: ops },
        (model) => {
          assert.equal(model.info.ops, ops);
          return logitsOf(model, tokens, steps);
        },
        "f32",
      );
    const [ours, stock] = [await run("cpu"), await run("mlx")];
    ours.forEach((logits, i) => {
      assert.ok(largestDifference(logits, stock[i]) < 1e-3, `${largestDifference(logits, stock[i])} at ${i}`);
    });
    const perplexity = (all: readonly Float32Array[]) =>
      Math.exp(all.slice(0, -1).reduce((sum, logits, i) => sum + surprise(logits, tokens[20 + i] ?? 0), 0) / 20);
    assert.equal(perplexity(ours).toPrecision(4), perplexity(stock).toPrecision(4));
  });

  /** How far logits may be from MLX's, which rounds elsewhere. */
  const tolerances = { f16: 0.02, bf16: 0.15, q8: 0.15 };
  const decoded = [20, ...Array.from({ length: 280 }, () => 1)];
  let inF32: Promise<{ readonly logits: readonly Float32Array[]; readonly bytes: number }> | undefined;
  /** What all formats are compared with, computed once. */
  const exactly = () => {
    inF32 ??= withModel(
      { RESIDENT_OPS: "cpu" },
      async (model) => ({
        logits: await logitsOf(model, tokens, decoded),
        bytes: model.info.kvBytesPerToken,
      }),
      "f32",
    );
    return inF32;
  };
  for (const kvDtype of ["f16", "bf16", "q8"] as const) {
    it(`K and V in ${kvDtype} take less memory, and change little; a row has the same bits in any chunk`, async () => {
      const { logits: exact, bytes: exactBytes } = await exactly();
      await withModel(
        { RESIDENT_OPS: "cpu" },
        async (model) => {
          assert.equal(model.info.kvDtype, kvDtype);
          const { headDim, kvBytesPerToken } = model.info;
          assert.equal(kvBytesPerToken * kvHeadBytes("f32", headDim), exactBytes * kvHeadBytes(kvDtype, headDim));
          const ours = await logitsOf(model, tokens, decoded);
          for (const chunks of [[300], [64, 64, 64, 64, 44], [7, 130, 160, 1, 1, 1]]) {
            assert.ok(same((await logitsOf(model, tokens, chunks)).at(-1), ours.at(-1)), `chunks of ${chunks}`);
          }
          const perplexity = (all: readonly Float32Array[]) =>
            Math.exp(
              all.slice(0, -1).reduce((sum, logits, i) => sum + surprise(logits, tokens[20 + i] ?? 0), 0) /
                (all.length - 1),
            );
          const agreeing = ours.filter((logits, i) => best(logits) === best(exact[i] ?? logits)).length;
          const [changed, unchanged] = [perplexity(ours), perplexity(exact)];
          console.log(
            `K/V in ${kvDtype}: ${kvBytesPerToken} bytes a token, perplexity ${changed.toFixed(4)}, in f32 ${unchanged.toFixed(4)}; ` +
              `the same most likely token at ${agreeing} of ${ours.length} positions`,
          );
          assert.ok(Math.abs(changed / unchanged - 1) < 0.01);
          assert.ok(agreeing >= 0.97 * ours.length);
        },
        kvDtype,
      );
    });

    it(`K and V in ${kvDtype} give MLX's operations what they give the kernels`, async () => {
      const short = tokens.subarray(0, 40);
      const run = (ops: string) => withModel({ RESIDENT_OPS: ops }, (model) => logitsOf(model, short, [40]), kvDtype);
      const [[ours], [stock]] = [await run("cpu"), await run("mlx")];
      assert.ok(largestDifference(ours, stock) < tolerances[kvDtype], `${largestDifference(ours, stock)}`);
    });
  }

  for (const kvDtype of ["f32", "q8"] as const) {
    it(`K and V in ${kvDtype}: a row has the same bits on every level and any number of threads`, async () => {
      const results: Float32Array[] = [];
      for (const level of levels) {
        const threads = `${1 + results.length}`;
        const environment = { RESIDENT_OPS: "cpu", RESIDENT_CPU_LEVEL: level, RESIDENT_THREADS: threads };
        const read = (model: NativeModel) => logitsOf(model, tokens.subarray(0, 24), [20, 3, 1]);
        results.push(...(await withModel(environment, read, kvDtype)).slice(-1));
      }
      for (const [i, logits] of results.entries()) assert.ok(same(logits, results[0]), levels[i]);
    });
  }

  it("the addon knows the K/V formats that the programs offer, and no others", async () => {
    for (const kvDtype of kvDtypes) {
      await withModel({}, async ({ info }) => assert.equal(info.kvDtype, kvDtype), kvDtype);
    }
    const unknown = withModel({}, async () => {}, "q4" as KvDtype);
    await assert.rejects(unknown, { code: "INVALID_REQUEST", message: /"f32", "f16", "bf16" or "q8"/ });
  });

  it("children start and end while a generation runs", async () => {
    await withModel({ RESIDENT_OPS: "cpu" }, async (model) => {
      const pool = await model.createPool(16, blockTokens);
      let generated = 0;
      const batch = {
        tokens: tokens.slice(0, 30),
        tokenCounts: Int32Array.of(30),
        starts: Int32Array.of(0),
        tables: Int32Array.from(blocks),
        tableLengths: Int32Array.of(blocks.length),
        wantToken: Uint8Array.of(1),
        sampling: [{ ...sampling, logprobs: 0 }],
        steps: 400,
      };
      const task = pool.run(batch, (sampled) => {
        generated += sampled.length;
      });
      for (let i = 0; i < 25; i += 1) {
        const child = spawn(process.execPath, ["-e", ""], { stdio: "ignore" });
        assert.equal(await new Promise((resolve) => child.once("close", resolve)), 0);
      }
      await task.result;
      assert.equal(generated, 400);
    });
  });

  describe("of one layer alone", () => {
    const folder = temporaryFolder();

    it("what steps of many sizes leave behind does not pile up", async () => {
      const model = await loadAddon(stageRoot).loadModel(
        { directory: await writeRandomModel(folder.path, wideConfig), device: "cpu" },
        () => {},
      ).result;
      try {
        const { ops, numHeads, headDim, vocabSize } = model.info;
        assert.deepEqual([ops, numHeads * headDim], ["cpu", 576]);
        const pool = await model.createPool(blocks.length, blockTokens);
        const ids = tokens.map((id) => id % vocabSize);
        let madeBytes = 0;
        for (let rows = 130; rows <= 290; rows += 5) {
          await pool.logits(ids.subarray(0, rows), 0, Int32Array.from(blocks));
          madeBytes += rows * numHeads * headDim * Float32Array.BYTES_PER_ELEMENT;
        }
        const { mlxCacheBytes } = await loadAddon(stageRoot).deviceInfo();
        assert.ok(madeBytes > 15e6 && mlxCacheBytes < 10e6, `${mlxCacheBytes} of ${madeBytes}`);
      } finally {
        await model.dispose();
      }
    });
  });

  it("what asks for an unknown level, back end or number of threads is refused", async () => {
    for (const environment of [
      { RESIDENT_OPS: "cpu", RESIDENT_CPU_LEVEL: "mmx" },
      { RESIDENT_OPS: "cuda" },
      { RESIDENT_OPS: "cpu", RESIDENT_THREADS: "1000" },
      { RESIDENT_OPS: "cpu", RESIDENT_THREADS: "all" },
    ]) {
      await assert.rejects(
        withModel(environment, async () => {}),
        /RESIDENT_|threads must be/,
      );
    }
  });
});

const withModelOfDefault = <T>(body: (model: NativeModel) => Promise<T>) => withModel({ RESIDENT_OPS: "cpu" }, body);

const sampling = { ...greedySampling, logprobs: -1 };
