import assert from "node:assert/strict";
import { InvalidRequestError, PoolExhaustedError } from "../../../src/common/errors";
import { joined, StarterRig } from "../../support/engine/starterRig";

const capitals = [
  ["Spain", "Madrid"],
  ["Germany", "Berlin"],
  ["Austria", "Vienna"],
  ["Portugal", "Lisbon"],
  ["Poland", "Warsaw"],
  ["Greece", "Athens"],
  ["Norway", "Oslo"],
  ["Sweden", "Stockholm"],
  ["Finland", "Helsinki"],
  ["Ireland", "Dublin"],
];
const sentences = capitals.map(([country, city]) => `The capital of ${country} is ${city}, as everybody knows. `);
/** More than a block of 64 tokens. */
const long = sentences.slice(0, 6).join("");

describe("The engine's specification, on the starter model", function () {
  this.timeout(300_000);

  /** Ten blocks of 64 tokens. */
  let rig: StarterRig;

  before(async () => {
    rig = await StarterRig.load(10, { tokenBudget: 64, prefillChunkTokens: 32, maxSequences: 8, maxStepsPerRun: 4 });
  });

  after(() => rig.dispose());

  afterEach(() => {
    rig.engine.assertInvariants();
    assert.equal(rig.engine.pool.referencedBlocks, 0);
    assert.equal(rig.engine.pool.reservedBlocks, 0);
    assert.equal(rig.runner.counters.movedSlabs, 0);
  });

  it("1: fresh generation", async () => {
    const tokens = rig.encode("Hello");
    const { tokenIds, finishReason, blocks } = await rig.submit({ tokens, maxTokens: 20 }).result;
    assert.ok(rig.decode(tokenIds).startsWith("-by-date-but-not-yet"));
    assert.ok(finishReason === "stop" || finishReason === "length");
    assert.equal(blocks.numTokens, tokens.length + tokenIds.length - 1);
    assert.ok(blocks.table.length > 0);
    blocks.release();
  });

  it("2: cache resume reads no token of the first prompt again, continues logically, and is faster than cold", async () => {
    const tokens = rig.encode(sentences.join("").repeat(3));
    assert.ok(tokens.length >= 300);
    const first = await rig.submit({ tokens, maxTokens: 2, salt: "resume" }).result;
    const question = joined(tokens, first.tokenIds, rig.encode(". The capital of France is"));
    const ratios: number[] = [];
    let cache = first.blocks;
    while (ratios.length < 2 && Math.max(0, ...ratios) < 2) {
      const next = cache.fork();
      const { figures, tokenIds, blocks } = await rig.submit({ tokens: question, blocks: cache, salt: "resume" })
        .result;
      cache = next;
      assert.equal(figures.reusedTokens, tokens.length + first.tokenIds.length - 1);
      assert.equal(figures.prefilledTokens, question.length - figures.reusedTokens);
      assert.match(rig.decode(tokenIds), /Paris/);
      ratios.push(first.figures.ttftMs / figures.ttftMs);
      blocks.release();
    }
    cache.release();
    assert.ok(Math.max(...ratios) >= 2, `cold / resumed: ${ratios.join(", ")}`);
  });

  it("3: three agents in one batch each say what they say alone", async () => {
    const prompts = ["Hello", "Once upon a time, in a village by the sea, there lived", long];
    const tokens = prompts.map((prompt) => rig.encode(prompt));
    assert.ok((tokens[2]?.length ?? 0) > 64);
    const generations = tokens.map((ids, index) =>
      rig.submit({ owner: `agent ${index}`, tokens: ids, salt: "batch", maxTokens: 5 }),
    );
    const results = await Promise.all(generations.map((generation) => generation.result));
    for (const [index, { tokenIds, blocks }] of results.entries()) {
      const ids = tokens[index] ?? new Int32Array(0);
      assert.equal(blocks.table.length, Math.ceil((ids.length + tokenIds.length - 1) / 64));
      blocks.release();
      assert.deepEqual(tokenIds, await rig.cold(ids, 5));
    }
  });

  it("4: ten generations leak no block and no memory", async () => {
    const tokens = rig.encode("The quick brown fox");
    const activeBytes: number[] = [];
    for (let round = 0; round < 10; round += 1) {
      (await rig.submit({ tokens, maxTokens: 3 }).result).blocks.release();
      assert.equal(rig.engine.pool.referencedBlocks, 0);
      activeBytes.push((await rig.addon.deviceInfo()).mlxActiveBytes);
    }
    const [, second = 0] = activeBytes;
    assert.ok((activeBytes.at(-1) ?? 0) <= second, activeBytes.join(" "));
  });

  it("5: a request for 20 blocks of a pool of 10 gets PoolExhaustedError, and the pool stays usable", async () => {
    const tokens = new Int32Array(64 * 20).fill(100);
    assert.throws(
      () => rig.submit({ tokens, maxTokens: 0 }),
      (error: unknown) => {
        assert.ok(error instanceof PoolExhaustedError);
        assert.deepEqual(error.facts, { needed: 20, total: 10, blockTokens: 64 });
        assert.match(error.message, /needs 20 blocks .* has 10: raise/);
        return true;
      },
    );
    rig.engine.assertInvariants();
    const { tokenIds, blocks } = await rig.submit({ tokens: rig.encode("Hello"), maxTokens: 2 }).result;
    assert.equal(tokenIds.length, 2);
    blocks.release();
  });

  it("6: an empty prompt gets InvalidRequestError", () => {
    assert.throws(() => rig.submit({ tokens: new Int32Array(0) }), InvalidRequestError);
  });

  it("forks in the middle of a block: both sides go on as if each had read everything itself", async () => {
    const tokens = rig.encode("Once upon a time, in a village by the sea, there lived");
    const { blocks } = await rig.submit({ tokens, maxTokens: 0 }).result;
    const fork = blocks.fork("fork");
    const ends = [" an old fisherman", " three sisters"].map((end) => joined(tokens, rig.encode(end)));
    const [left, right] = ends.map((ids, index) => rig.submit({ tokens: ids, blocks: index === 0 ? blocks : fork }));
    for (const [index, generation] of [left, right].entries()) {
      const result = await generation?.result;
      assert.equal(result?.figures.reusedTokens, tokens.length);
      result?.blocks.release();
      assert.deepEqual(result?.tokenIds, await rig.cold(ends[index] ?? tokens, 8));
    }
  });

  it("rewinds without reading: the other continuation is the one that a fresh reading gives", async () => {
    const tokens = rig.encode("The capital of Italy is Rome. The capital of Japan is");
    const { blocks } = await rig.submit({ tokens, maxTokens: 4 }).result;
    blocks.rewind(tokens.length - 5);
    const other = joined(tokens.subarray(0, -5), rig.encode(" The capital of Egypt is"));
    const { tokenIds, figures, blocks: after } = await rig.submit({ tokens: other, blocks }).result;
    assert.equal(figures.reusedTokens, tokens.length - 5);
    after.release();
    assert.deepEqual(tokenIds, await rig.cold(other, 8));
  });

  it("keeps what was read when it is aborted in prefill", async () => {
    const tokens = rig.encode(long);
    const generation = rig.submit({ tokens, salt: "abort" });
    generation.onEvent((event) => {
      if (event.type === "prefill" && event.done > 0) generation.abort();
    });
    const { finishReason, blocks } = await generation.result;
    assert.equal(finishReason, "aborted");
    assert.ok(blocks.numTokens > 0 && blocks.numTokens < tokens.length);
    const reused = blocks.numTokens;
    const next = await rig.submit({ tokens, blocks, salt: "abort", maxTokens: 4 }).result;
    assert.equal(next.figures.reusedTokens, reused);
    next.blocks.release();
    assert.deepEqual(next.tokenIds, await rig.cold(tokens, 4));
  });

  it("keeps what was said when it is aborted in decode, and goes on to the same end", async () => {
    const tokens = rig.encode("My favourite book is");
    const whole = await rig.cold(tokens, 8);
    const generation = rig.submit({ tokens, maxTokens: 100 });
    generation.onEvent((event) => {
      if (event.type === "token" && event.index === 2) generation.abort();
    });
    const { finishReason, tokenIds, blocks } = await generation.result;
    assert.deepEqual([finishReason, tokenIds], ["aborted", whole.slice(0, 3)]);
    const rest = await rig.submit({ tokens: joined(tokens, tokenIds), blocks, maxTokens: 5 }).result;
    assert.ok(rest.figures.reusedTokens >= tokens.length + 2);
    rest.blocks.release();
    assert.deepEqual([...tokenIds, ...rest.tokenIds], whole);
  });
});
