import assert from "node:assert/strict";
import fc from "fast-check";
import {
  automaticPoolBytes,
  type ContextSizes,
  contextBytes,
  leastPoolBytes,
  mostContexts,
  mostOfFree,
  mostOfFreeForOneContext,
} from "../../../src/service/automaticPool";

const GB = 1e9;

/** K and V in f16. Weights at 4 bits. */
const models = {
  "SmolLM2 135M": { kvBytesPerToken: 2 * 30 * 3 * 64 * 2, maxContextTokens: 8192, weightBytes: 0.1 * GB },
  "Qwen3 4B": { kvBytesPerToken: 2 * 36 * 8 * 128 * 2, maxContextTokens: 40_960, weightBytes: 2.3 * GB },
  "a 30B": { kvBytesPerToken: 2 * 64 * 8 * 128 * 2, maxContextTokens: 32_768, weightBytes: 17 * GB },
} as const;

type ModelName = keyof typeof models;

/** Free memory before a model is loaded, as machines of that size have it with an editor and a browser open. */
const machines = { "8 GB": 4 * GB, "16 GB": 10 * GB, "64 GB": 50 * GB } as const;

describe("the pool's size where none is set", () => {
  /** Tokens that fit, in thousands; contexts that fit, in tenths; share of what is free, in percent. */
  const recorded: readonly (readonly [keyof typeof machines, ModelName, readonly [number, number, number]])[] = [
    ["8 GB", "SmolLM2 135M", [65, 80, 38]],
    ["16 GB", "SmolLM2 135M", [65, 80, 15]],
    ["64 GB", "SmolLM2 135M", [65, 80, 3]],
    ["8 GB", "Qwen3 4B", [8, 2, 75]],
    ["16 GB", "Qwen3 4B", [39, 9, 75]],
    ["64 GB", "Qwen3 4B", [161, 39, 50]],
    ["64 GB", "a 30B", [62, 19, 50]],
  ];
  for (const [machine, name, figures] of recorded) {
    it(`of ${name} on a machine with ${machine} is as recorded`, () => {
      const { weightBytes, ...model } = models[name];
      const free = machines[machine] - weightBytes;
      const bytes = automaticPoolBytes(model, free);
      const tokens = bytes / model.kvBytesPerToken;
      assert.deepEqual(
        [
          Math.floor(tokens / 1000),
          Math.floor((10 * tokens) / model.maxContextTokens),
          Math.floor((100 * bytes) / free),
        ],
        figures,
      );
    });
  }

  const someModel: fc.Arbitrary<ContextSizes> = fc.record({
    kvBytesPerToken: fc.integer({ min: 1, max: 2 ** 20 }),
    maxContextTokens: fc.integer({ min: 1, max: 2 ** 20 }),
  });

  it("holds one whole context where three quarters of what is free do, never more than eight, and takes half of it otherwise", () => {
    fc.assert(
      fc.property(someModel, fc.integer({ min: 0, max: 2 ** 40 }), (model, free) => {
        const bytes = automaticPoolBytes(model, free);
        const one = contextBytes(model);
        const least = leastPoolBytes(model);
        assert.ok(Number.isSafeInteger(bytes) && bytes >= least);
        assert.ok(bytes <= mostContexts * one);
        if (one <= mostOfFreeForOneContext * free) assert.ok(bytes >= one);
        if (bytes > one) assert.ok(bytes <= mostOfFree * free);
        if (bytes > least) assert.ok(bytes <= mostOfFreeForOneContext * free);
      }),
    );
  });

  it("grows with what is free", () => {
    fc.assert(
      fc.property(someModel, fc.nat(2 ** 40), fc.nat(2 ** 40), (model, a, b) => {
        const [less, more] = [Math.min(a, b), Math.max(a, b)];
        assert.ok(automaticPoolBytes(model, less) <= automaticPoolBytes(model, more));
      }),
    );
  });

  it("counts layers with a window for two windows, not for the whole context", () => {
    const window = { tokens: 512, layers: 22, kvBytesPerToken: 22 };
    const gemma = { kvBytesPerToken: 26, maxContextTokens: 32_768, window };
    assert.equal(contextBytes(gemma), 4 * 32_768 + 22 * 1024);
    assert.equal(contextBytes({ ...gemma, maxContextTokens: 600 }), 26 * 600);
  });
});
