import assert from "node:assert/strict";
import { joined, StarterRig } from "../../support/engine/starterRig";

const story = "Once upon a time, in a village by the sea, there lived an old fisherman with his cat. ".repeat(5);

describe("K and V in 8 bits, on the starter model", function () {
  this.timeout(300_000);

  let rig: StarterRig;

  before(async () => {
    rig = await StarterRig.load(
      24,
      { tokenBudget: 64, prefillChunkTokens: 32, maxSequences: 8, maxStepsPerRun: 4 },
      "q8",
    );
  });

  after(() => rig.dispose());

  it("three prompts in one batch, in chunks of 32, each say what they say alone", async () => {
    const tokens = ["Hello", "The capital of France is", story].map((prompt) => rig.encode(prompt));
    assert.ok((tokens[2]?.length ?? 0) > 64);
    const together = await Promise.all(
      tokens.map((ids, i) => rig.submit({ owner: `agent ${i}`, tokens: ids, salt: "batch", maxTokens: 12 }).result),
    );
    for (const [i, { tokenIds, blocks }] of together.entries()) {
      blocks.release();
      assert.deepEqual(tokenIds, await rig.cold(tokens[i] ?? new Int32Array(0), 12));
    }
  });

  it("an answer does not depend on the chunks that its prompt is read in", async () => {
    const tokens = rig.encode(story);
    const expected = await rig.cold(tokens, 12);
    for (const prefillChunkTokens of [7, 64]) {
      const other = await StarterRig.load(8, { tokenBudget: 64, prefillChunkTokens }, "q8");
      try {
        assert.deepEqual(await other.cold(tokens, 12), expected);
      } finally {
        await other.dispose();
      }
    }
  });

  it("forked in the middle of a block and rewound, both sides go on as if each had read everything itself", async () => {
    const tokens = rig.encode(story);
    assert.notEqual(tokens.length % 64, 0);
    const { blocks } = await rig.submit({ tokens, maxTokens: 4 }).result;
    const fork = blocks.fork("fork");
    blocks.rewind(tokens.length - 3);
    const left = joined(tokens.subarray(0, -3), rig.encode(" three sisters"));
    const right = joined(tokens, rig.encode(" One day a stranger came"));
    for (const [ids, cache] of [
      [left, blocks],
      [right, fork],
    ] as const) {
      const result = await rig.submit({ tokens: ids, blocks: cache, maxTokens: 8 }).result;
      assert.ok(result.figures.reusedTokens >= tokens.length - 3);
      result.blocks.release();
      assert.deepEqual(result.tokenIds, await rig.cold(ids, 8));
    }
  });
});
