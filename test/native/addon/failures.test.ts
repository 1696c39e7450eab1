import assert from "node:assert/strict";
import { open, readFile } from "node:fs/promises";
import path from "node:path";
import { greedy, noPenalties, type SequenceStep } from "../../../src/engine/ports";
import { MlxRunner } from "../../../src/native/mlxRunner";
import { rejection, temporaryFolder } from "../../support/models/folders";
import { assertSameIds, NativeRig, type Part } from "../../support/native/nativeRig";
import { longContextConfig, randomModelConfig, writeRandomModel } from "../../support/native/randomModel";

const noIds = new Int32Array(0);
const poisoned = randomModelConfig.vocab_size - 1;
const good: Part = { tokens: [1, 2, 3], table: [0, 1] };
const warm: Part = { tokens: [4, 5], table: [2, 3], sampling: { temperature: 0.9, seedLow: 3 } };

/** A model that computes NaN for every sequence with the last id in it. */
async function writePoisonedModel(directory: string): Promise<string> {
  await writeRandomModel(directory);
  const file = path.join(directory, "model.safetensors");
  const bytes = await readFile(file);
  const headerLength = Number(bytes.readBigUInt64LE(0));
  const header: Record<string, { readonly data_offsets: readonly [number, number] }> = JSON.parse(
    bytes.toString("utf8", 8, 8 + headerLength),
  );
  const end = header["model.embed_tokens.weight"]?.data_offsets[1] ?? 0;
  const row = new Float32Array(randomModelConfig.hidden_size).fill(Number.NaN);
  const handle = await open(file, "r+");
  await handle.write(Buffer.from(row.buffer), 0, row.byteLength, 8 + headerLength + end - row.byteLength);
  await handle.close();
  return directory;
}

describe("Failures of the addon", () => {
  const folder = temporaryFolder();
  const chosenOps = process.env["RESIDENT_OPS"];
  let rig: NativeRig;
  afterEach(async () => {
    await rig.dispose();
    delete process.env["RESIDENT_OPS"];
    if (chosenOps !== undefined) process.env["RESIDENT_OPS"] = chosenOps;
  });

  for (const ops of ["cpu", "mlx"]) {
    it(`of one sequence to compute finite logits stay its own (${ops})`, async () => {
      process.env["RESIDENT_OPS"] = ops;
      rig = await NativeRig.load(await writePoisonedModel(folder.path));
      const alone = await rig.run([good, warm], 8);
      const bad: readonly Part[] = [
        { tokens: [6, poisoned, 7], table: [4, 5] },
        { tokens: [poisoned], table: [6], sampling: { temperature: 1 } },
      ];
      const ran = await rig.run([...bad, good, warm], 8);
      assertSameIds(rig.model.info, ran.ids, [[], [], ...alone.ids]);
      assert.deepEqual(
        ran.failures.map(({ sequence, step, code }) => ({ sequence, step, code })),
        [0, 1].map((sequence) => ({ sequence, step: 0, code: "NATIVE_FAILURE" })),
      );
      assert.deepEqual((await rig.run([good, warm], 8)).ids, alone.ids);
    });
  }

  it("reach the engine as the failure of that sequence, inside a run that resolves", async () => {
    rig = await NativeRig.load(await writePoisonedModel(folder.path));
    const runner = new MlxRunner(rig.pool, rig.model.info);
    const step = (tokens: readonly number[], table: readonly number[]): SequenceStep => ({
      tokens: Int32Array.from(tokens),
      start: 0,
      table,
      wantToken: true,
      sampling: greedy,
      penalties: noPenalties,
      stopIds: [],
      lookupIds: noIds,
    });
    const seen: string[] = [];
    await runner.run([step([1, poisoned], [0]), step([1, 2], [1])], {
      steps: 2,
      onTokens: (tokens) => seen.push(...tokens.map(({ sequence }) => `token of ${sequence}`)),
      onFailed: (sequence, { code, advice, facts }) => {
        assert.match(advice, /reload/);
        seen.push(`${code} of ${sequence}, ${facts["contents"]}`);
      },
      cancelled: () => false,
    });
    assert.deepEqual(seen, ["token of 1", "NATIVE_FAILURE of 0, intact", "token of 1"]);
  });

  it("for want of memory come before anything runs: the pool is as it was", async () => {
    process.env["RESIDENT_OPS"] = "mlx";
    rig = await NativeRig.load(await writeRandomModel(folder.path, longContextConfig), 25_002);
    const before = await rig.run([{ ...good, table: [25_000, 25_001] }], 8);
    const rows = longContextConfig.max_position_embeddings;
    const table = Array.from({ length: rows / 8 }, (_, block) => block);
    const { facts } = await rejection(
      rig.run([
        { tokens: Array.from({ length: rows }, () => 1), table },
        { ...good, table: [25_000, 25_001] },
      ]),
      "OUT_OF_MEMORY",
      /this step needs \d+ MB/,
    );
    assert.equal(facts["contents"], "intact");
    assert.equal(facts["sequence"], undefined);
    assert.deepEqual((await rig.run([{ ...good, table: [25_000, 25_001] }], 8)).ids, before.ids);
  });

  it("say what became of the pool for copies and logits too", async () => {
    rig = await NativeRig.load(await writeRandomModel(folder.path));
    const refused = [
      rig.pool.copyBlock(0, 99, 1),
      rig.pool.logits(Int32Array.of(99), 0, Int32Array.of(0)),
      rig.run([good, good]),
    ];
    for (const call of refused) {
      const { facts } = await rejection(call, "INVALID_REQUEST", /./);
      assert.equal(facts["contents"], "intact");
    }
  });
});
