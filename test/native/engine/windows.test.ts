import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { kvHeadBytes } from "../../../src/common/kvDtypes";
import { silentLog } from "../../../src/common/log";
import type { AgentBlocks } from "../../../src/engine/agentBlocks";
import { BlockPoolBatchEngine } from "../../../src/engine/batchEngine";
import { EngineDriver } from "../../../src/engine/driver";
import { type EngineOptions, longestRun } from "../../../src/engine/engineOptions";
import { type BlockHasher, greedy, noBlock } from "../../../src/engine/ports";
import type { NativeAddon, NativeModel, NativePool } from "../../../src/native/binding";
import { loadAddon } from "../../../src/native/loader";
import { MlxRunner } from "../../../src/native/mlxRunner";
import { type BlockIdentity, createBlockHasher } from "../../../src/store/blockIdentity";
import { BlockStore } from "../../../src/store/blockStore";
import { windowTwin } from "../../../src/store/windowFiles";
import { temporaryFolder } from "../../support/models/folders";
import { stageRoot } from "../../support/native/nativeRig";
import { randomGemmaConfig, writeRandomModel } from "../../support/native/randomModel";

const blockTokens = 8;
const limits = { tokenBudget: 32, prefillChunkTokens: 16, maxSequences: 8, maxStepsPerRun: 4, windowSlackTokens: 0 };

const prompt = (count: number, variant = 0) =>
  Int32Array.from({ length: count }, (_, index) => (index * 7 + (index > 40 ? variant * 11 : 0)) % 50);

/** An engine over a random Gemma 3 whose windowed layers have blocks of their own, or share those of the others. */
class Rig {
  private constructor(
    readonly engine: BlockPoolBatchEngine,
    readonly pool: NativePool,
    readonly identity: BlockIdentity,
  ) {}

  static async over(model: NativeModel, windowBlocks: number, options: EngineOptions = {}): Promise<Rig> {
    const pool = await model.createPool(128, blockTokens, windowBlocks);
    const { weightsId, architectureId, kvDtype, kvLayoutId, numericsId } = model.info;
    const identity = { weightsId, architectureId, kvDtype, blockTokens, kvLayoutId, numericsId };
    const hasher: BlockHasher = createBlockHasher(identity);
    const clock = { nowMs: () => performance.now() };
    const runner = new MlxRunner(pool, model.info);
    const engine = new BlockPoolBatchEngine(runner, hasher, clock, { ...limits, checked: true, ...options });
    new EngineDriver(engine, silentLog);
    return new Rig(engine, pool, identity);
  }

  async answer(tokens: Int32Array, maxTokens: number, blocks?: AgentBlocks) {
    const request = { owner: "a", tokens, maxTokens, sampling: greedy, stopIds: [], ...(blocks && { blocks }) };
    return this.engine.submit(request).result;
  }
}

describe("Layers with a window, on a random Gemma 3", function () {
  this.timeout(60_000);
  const folder = temporaryFolder();
  let addon: NativeAddon;
  let model: NativeModel;
  let modelFolder: string;
  /** Answers to 90 tokens, with windows masked and nothing freed. */
  let expected: readonly (readonly number[])[];

  before(async () => {
    addon = loadAddon(stageRoot);
    modelFolder = await mkdtemp(path.join(os.tmpdir(), "resident windows "));
    const directory = await writeRandomModel(modelFolder, randomGemmaConfig);
    model = await addon.loadModel({ directory }, () => {}).result;
    const rig = await Rig.over(model, 0);
    const answers = [0, 1, 2].map((variant) => rig.answer(prompt(90, variant), 60));
    expected = (await Promise.all(answers)).map(({ tokenIds }) => tokenIds);
    await rig.pool.dispose();
  });

  after(async () => {
    await model.dispose();
    await rm(modelFolder, { recursive: true, force: true });
  });

  it("say what they are", () => {
    const headBytes = kvHeadBytes(model.info.kvDtype, 8);
    assert.deepEqual(model.info.window, { tokens: 24, layers: 2, kvBytesPerToken: 2 * 2 * 2 * headBytes });
    assert.equal(model.info.kvBytesPerToken, 3 * 2 * 2 * headBytes);
  });

  it("answer alone and together what they answer with every token's blocks kept", async () => {
    assert.ok(longestRun({ lookupTokensPerRun: 0, ...limits }) > 8);
    const rig = await Rig.over(model, 40);
    assert.equal(rig.pool.windowBlocks, 40);
    const alone = await rig.answer(prompt(90), 60);
    assert.deepEqual(alone.tokenIds, expected[0]);
    assert.ok(alone.blocks.windowTable.filter((block) => block !== noBlock).length <= 4);
    const together = [0, 1, 2].map((variant) => rig.answer(prompt(90, variant), 60));
    assert.deepEqual(
      (await Promise.all(together)).map(({ tokenIds }) => tokenIds),
      expected,
    );
    await rig.pool.dispose();
  });

  it("come back from disk, what left the window too, and go on with the same tokens", async () => {
    const store = new BlockStore(path.join(folder.path, "store"));
    const saving: Promise<unknown>[] = [];
    const first: Rig = await Rig.over(model, 40, {
      onWindowLeft: ({ block, key, parent, start, tokens }) => {
        const stored = { key, parent, start, tokens, path: store.objectPath(first.identity, key) };
        const saved = store.save(first.pool, first.identity, windowTwin(stored), block);
        saving.push(saved);
        return saved;
      },
    });
    const ids = Int32Array.from([...prompt(90), ...(expected[0] ?? [])]);
    const { blocks } = await first.answer(ids.subarray(0, 96), 0);
    for (const [index, stored] of store.chain(first.identity, ids.subarray(0, 96)).entries()) {
      await store.save(first.pool, first.identity, stored, blocks.table[index] ?? noBlock);
      const ofWindow = blocks.windowTable[index] ?? noBlock;
      if (ofWindow !== noBlock) await store.save(first.pool, first.identity, windowTwin(stored), ofWindow);
    }
    await Promise.all(saving);
    await first.pool.dispose();

    for (const numTokens of [96, 48]) {
      const rig = await Rig.over(model, 40);
      const restore = rig.engine.beginRestore({ owner: "a", tokens: ids.subarray(0, numTokens) });
      const chain = store.chain(rig.identity, ids.subarray(0, numTokens));
      const targets = restore.targets.map(({ block }) => block);
      assert.equal((await store.load(rig.pool, rig.identity, chain, targets)).loaded, chain.length);
      const ofWindow = restore.windowTargets ?? [];
      const twins = ofWindow.map(({ start }) => windowTwin(chain[start / blockTokens] ?? assert.fail()));
      assert.equal(ofWindow.length, 3, "24 tokens before the last one, in blocks of 8");
      const targetsOfWindow = ofWindow.map(({ block }) => block);
      assert.equal((await store.load(rig.pool, rig.identity, twins, targetsOfWindow)).loaded, twins.length);
      const restored = restore.commit(numTokens, true);
      const { figures, tokenIds } = await rig.answer(ids.subarray(0, 100), 30, restored);
      assert.equal(figures.reusedTokens, numTokens);
      assert.deepEqual(tokenIds, expected[0]?.slice(10, 40));
      await rig.pool.dispose();
    }
  });

  it("refuse a file of the other layers", async () => {
    const store = new BlockStore(path.join(folder.path, "store"));
    const rig = await Rig.over(model, 40);
    const [stored] = store.chain(rig.identity, prompt(90));
    assert.ok(stored);
    await store.save(rig.pool, rig.identity, stored, 0);
    const { loaded, refused } = await store.load(rig.pool, rig.identity, [stored], [128]);
    assert.equal(loaded, 0);
    assert.equal(refused?.code, "geometry");
    await rig.pool.dispose();
  });
});
