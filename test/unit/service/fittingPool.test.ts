import assert from "node:assert/strict";
import fc from "fast-check";
import { ResidentError } from "../../../src/common/errors";
import type { NativePool } from "../../../src/native/binding";
import { createFittingPool, type Shortage, smallerPool } from "../../../src/service/fittingPool";
import { FakeRuntime } from "../../support/agents/fakeRuntime";

const kvBytesPerToken = 64;
const blockTokens = 8;
const blockBytes = kvBytesPerToken * blockTokens;

/** The fake device's pools, refused by `refuse`; and the sizes that were tried. */
async function make(
  wish: { readonly wantedBytes: number; readonly leastBytes: number },
  refuse: (bytes: number) => ResidentError | undefined,
) {
  const tried: number[] = [];
  const task = new FakeRuntime().loadAddon().loadModel({ directory: "/models/a" }, () => {});
  const native = await task.result;
  const made = createFittingPool({
    ...wish,
    kvBytesPerToken,
    sizeOf: (bytes) => ({ blocks: Math.max(1, Math.floor(bytes / blockBytes)), windowBlocks: 0 }),
    create: async ({ blocks }): Promise<NativePool> => {
      tried.push(blocks * blockBytes);
      const refusal = refuse(blocks * blockBytes);
      if (refusal !== undefined) throw refusal;
      return native.createPool(blocks, blockTokens);
    },
  });
  return { tried, made };
}

const outOfMemory = (neededBytes: number, availableBytes: number) =>
  new ResidentError("OUT_OF_MEMORY", "too large", "smaller", { neededBytes, availableBytes });

describe("a pool that fits", () => {
  it("is the one that was wanted where that fits, and nothing is said", async () => {
    const { tried, made } = await make({ wantedBytes: 100 * blockBytes, leastBytes: blockBytes }, () => undefined);
    const { pool, reduced } = await made;
    assert.deepEqual([pool.blocks, reduced, tried.length], [100, undefined, 1]);
  });

  it("is found in a few tries below what is free, whatever is free", async () => {
    const someBytes = fc.integer({ min: blockBytes, max: 2 ** 20 });
    await fc.assert(
      fc.asyncProperty(someBytes, someBytes, someBytes, async (wantedBytes, leastBytes, free) => {
        const refuse = (bytes: number) => (bytes > free ? outOfMemory(bytes, free) : undefined);
        const { tried, made } = await make({ wantedBytes, leastBytes }, refuse);
        const least = Math.min(wantedBytes, leastBytes);
        assert.ok(tried.length <= 4);
        if (Math.floor(least / blockBytes) * blockBytes > free) {
          await assert.rejects(made, (error: ResidentError) => {
            assert.equal(error.code, "OUT_OF_MEMORY");
            assert.deepEqual(error.facts, { neededBytes: least, wantedBytes, availableBytes: free });
            return true;
          });
          return;
        }
        const { pool, reduced } = await made;
        assert.ok(pool.bytes <= free);
        assert.equal(reduced?.wantedBytes, tried.length === 1 ? undefined : wantedBytes);
        // At least half of what could have been had.
        assert.ok(pool.bytes >= Math.min(wantedBytes, free) / 2 - blockBytes);
      }),
    );
  });

  it("is not larger than the device can count, and says so instead of asking for a report", async () => {
    const refuse = (bytes: number) =>
      bytes > 1000 * blockBytes
        ? new ResidentError("INVALID_REQUEST", "too many", "report this", { maxTokens: 1000 * blockTokens })
        : undefined;
    const { made } = await make({ wantedBytes: 2 ** 40, leastBytes: blockBytes }, refuse);
    const { pool, reduced } = await made;
    assert.equal(pool.blocks, 1000);
    assert.match(reduced?.reason ?? "", /at most 8,000 tokens/);
  });

  it("says which limit it met where that was the GPU's, and then does not blame other programs", async () => {
    const refuse = (bytes: number) => {
      const facts = { neededBytes: bytes, availableBytes: 100 * blockBytes, limit: "gpu" };
      return bytes > 100 * blockBytes ? new ResidentError("OUT_OF_MEMORY", "too large", "smaller", facts) : undefined;
    };
    const { reduced } = await (await make({ wantedBytes: 2 ** 30, leastBytes: blockBytes }, refuse)).made;
    assert.match(reduced?.reason ?? "", /left of what the system lets the GPU hold/);
    const { made } = await make({ wantedBytes: 2 ** 30, leastBytes: 200 * blockBytes }, refuse);
    await assert.rejects(made, ({ advice }: ResidentError) => advice.startsWith("choose a smaller model"));
  });

  it("hands on every other failure at once", async () => {
    const failure = new ResidentError("NATIVE_FAILURE", "the device is gone", "reload");
    const { tried, made } = await make({ wantedBytes: 2 ** 30, leastBytes: blockBytes }, () => failure);
    await assert.rejects(made, failure);
    assert.equal(tried.length, 1);
  });

  it("becomes smaller with each try and ends at the least", () => {
    const someWhy: fc.Arbitrary<Shortage> = fc.oneof(
      fc.record({
        type: fc.constantFrom("memory" as const, "gpu" as const),
        availableBytes: fc.option(fc.nat(2 ** 40), { nil: undefined }),
      }),
      fc.record({ type: fc.constant("slots" as const), mostTokens: fc.nat(2 ** 30), mostBytes: fc.nat(2 ** 40) }),
    );
    fc.assert(
      fc.property(fc.nat(2 ** 40), fc.nat(2 ** 40), someWhy, (bytes, least, why) => {
        const next = smallerPool(bytes, least, why);
        if (bytes <= least) assert.equal(next, undefined);
        else assert.ok(next !== undefined && next < bytes && next >= least);
      }),
    );
  });
});
