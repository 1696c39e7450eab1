import assert from "node:assert/strict";
import { repetitionWindowTokens } from "../../../src/common/samplingRanges";
import type { NativeSampling } from "../../../src/native/binding";
import { temporaryFolder } from "../../support/models/folders";
import { assertSameIds, logitTolerance, longRun, NativeRig } from "../../support/native/nativeRig";
import { writeRandomModel } from "../../support/native/randomModel";

const prompt = [3, 14, 15, 9, 26, 5, 35, 8, 9, 7, 9];
const sampled: Partial<NativeSampling> = {
  temperature: 0.9,
  topP: 0.95,
  seedLow: 7,
  repetitionPenalty: 1.1,
  presencePenalty: 0.2,
  frequencyPenalty: 0.1,
  ...counted(prompt),
};

/** What penalties count of an answer of these ids. */
function counted(ids: readonly number[]): Pick<NativeSampling, "recentIds" | "answerIds" | "answerCounts"> {
  const answerIds = Int32Array.from(new Set(ids));
  const answerCounts = answerIds.map((id) => ids.filter((other) => other === id).length);
  return { recentIds: Int32Array.from(ids.slice(-repetitionWindowTokens)), answerIds, answerCounts };
}

describe("A run of the addon", () => {
  const folder = temporaryFolder();
  let rig: NativeRig;
  beforeEach(async () => {
    rig = await NativeRig.load(await writeRandomModel(folder.path));
  });
  afterEach(() => rig.dispose());

  it("of k steps gives the tokens of k runs of one", async () => {
    const parts = [
      { tokens: prompt, table: [0, 1, 2, 3] },
      { tokens: prompt.slice(0, 4), table: [4, 5, 6], sampling: sampled },
    ];
    const { ids } = await rig.run(parts, 12);
    const single: number[][] = [[], []];
    for (let step = 0; step < 12; step++) {
      const next = parts.map((part, i) => {
        const last = single[i]?.at(-1);
        if (last === undefined) return { ...part, table: part.table.map((block) => block + 10) };
        const start = part.tokens.length + step - 1;
        const sampling = { ...part.sampling, ...counted([...prompt, ...(single[i] ?? [])]) };
        return { ...part, sampling, tokens: [last], start, table: part.table.map((block) => block + 10) };
      });
      const one = await rig.run(next);
      for (const [i, list] of one.ids.entries()) single[i]?.push(...list);
    }
    assertSameIds(rig.model.info, ids, single);
  });

  it("delivers each step's tokens before it resolves, in order", async () => {
    const steps: number[] = [];
    await rig.run([{ tokens: prompt, table: [0, 1, 2] }], 6, (tokens) => steps.push(...tokens.map(({ step }) => step)));
    assert.deepEqual(steps, [0, 1, 2, 3, 4, 5]);
  });

  it("gives a sequence among others what it gives it alone, in one run of blocks or scattered", async () => {
    const alone = await rig.run([{ tokens: prompt, table: [0, 1, 2] }], 8);
    const other = { tokens: [1, 2, 3, 4, 5], table: [20, 21] };
    const among = await rig.run([other, { tokens: prompt, table: [9, 5, 13] }], 8);
    assertSameIds(rig.model.info, among.ids.slice(1), alone.ids);
    assert.equal(alone.stats.viewSequences, 8);
    assert.equal(among.stats.gatheredSequences, 8);
    assert.equal(among.stats.movedSlabs + alone.stats.movedSlabs, 0);
  });

  it("computes the same logits through a view, through a gather and in chunks", async () => {
    const tokens = Int32Array.from(prompt);
    const view = await rig.pool.logits(tokens, 0, Int32Array.of(3, 4));
    const gathered = await rig.pool.logits(tokens, 0, Int32Array.of(9, 6));
    await rig.run([{ tokens: prompt.slice(0, 7), table: [12, 13], want: false }]);
    const chunked = await rig.pool.logits(tokens.slice(7), 7, Int32Array.of(12, 13));
    assert.equal(view.length, 50);
    for (const [i, value] of view.entries()) {
      assert.ok(Math.abs(value - (gathered[i] ?? Number.NaN)) < logitTolerance(rig.model.info, 1e-5));
      assert.ok(Math.abs(value - (chunked[i] ?? Number.NaN)) < logitTolerance(rig.model.info, 1e-4));
    }
  });

  it("ends when every sequence has sampled a stop id", async () => {
    const free = await rig.run([{ tokens: prompt, table: [0, 1, 2] }], 6);
    const stopId = free.ids[0]?.[2] ?? -1;
    const upTo = (free.ids[0]?.indexOf(stopId) ?? 0) + 1;
    const stopped = await rig.run(
      [{ tokens: prompt, table: [0, 1, 2], sampling: { stopIds: Int32Array.of(stopId) } }],
      6,
    );
    assert.deepEqual(stopped.ids[0], free.ids[0]?.slice(0, upTo));
  });

  it("is cancelled after the step under way, and the pool goes on", async () => {
    const { parts, steps, endBlock } = longRun(0);
    await rig.dispose();
    rig = await NativeRig.load(folder.path, endBlock);
    let heard = 0;
    const { ids } = await rig.run(parts, steps, (_, task) => {
      heard += 1;
      if (heard === 2) task.cancel();
    });
    assert.ok((ids[0]?.length ?? 0) >= 2 && (ids[0]?.length ?? 0) < steps, `${ids[0]?.length} steps`);
    assert.equal((await rig.run([{ tokens: prompt, table: [0, 1, 2] }], 3)).ids[0]?.length, 3);
  });

  it("draws the same ids for the same seed, alone or together with others, and others for another", async () => {
    const part = { tokens: prompt, table: [0, 1, 2, 3], sampling: sampled };
    const first = await rig.run([part], 12);
    const again = await rig.run([{ tokens: [1], table: [9, 10], sampling: { temperature: 1 } }, part], 12);
    const other = await rig.run([{ ...part, sampling: { ...sampled, seedHigh: 1 } }], 12);
    assertSameIds(rig.model.info, again.ids.slice(1), first.ids);
    assert.notDeepEqual(other.ids[0], first.ids[0]);
  });

  it("reports log-probabilities of the distribution it drew from", async () => {
    const { tokens } = await rig.run([{ tokens: prompt, table: [0, 1], sampling: { logprobs: 50 } }]);
    const [token] = tokens;
    assert.ok(token?.topIds && token.topLogprobs && token.logprob !== undefined);
    assert.equal(token.topIds[0], token.id);
    assert.equal(token.topLogprobs[0], token.logprob);
    const total = token.topLogprobs.reduce((sum, logprob) => sum + Math.exp(logprob), 0);
    assert.ok(Math.abs(total - 1) < 1e-4, `${total}`);
  });

  it("follows a bias", async () => {
    const sampling = { biasIds: Int32Array.of(33), biasValues: Float32Array.of(1000) };
    assert.deepEqual((await rig.run([{ tokens: prompt, table: [0, 1, 2], sampling }], 3)).ids[0], [33, 33, 33]);
  });

  it("continues a copied block on its own", async () => {
    await rig.run([{ tokens: prompt, table: [0, 1], want: false }]);
    await rig.pool.copyBlock(1, 7, 3);
    const [original, forked] = [
      await rig.run([{ tokens: [4], start: 11, table: [0, 1] }]),
      await rig.run([{ tokens: [4], start: 11, table: [0, 7] }]),
    ];
    assert.deepEqual(original.ids, forked.ids);
  });
});
