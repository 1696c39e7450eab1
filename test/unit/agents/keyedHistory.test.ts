import assert from "node:assert/strict";
import fc from "fast-check";
import { KeyedHistories, KeyedHistory } from "../../../src/agents/keyedHistory";
import { createBlockHasher } from "../../../src/store/blockIdentity";
import { BlockStore } from "../../../src/store/blockStore";
import { identity } from "../../support/store/fakes";

const { blockTokens } = identity;
const store = new BlockStore("/nowhere");
const expected = (tokens: Int32Array) => store.chain(identity, tokens).map(({ key }) => key);
const allKeys = (history: KeyedHistory) =>
  Array.from({ length: history.fullBlocks }, (_, index) => history.keyOf(index));

/** A chain that counts how many blocks it hashed. */
function countingChain() {
  const hasher = createBlockHasher(identity);
  const counted = { hashed: 0 };
  const next = (parent: string, tokens: Int32Array) => {
    counted.hashed += 1;
    return hasher.next(parent, tokens);
  };
  return { counted, chain: { hasher: { root: hasher.root, next }, blockTokens, root: hasher.root } };
}

describe("Keyed histories", () => {
  it("hash only the blocks in which a history departs from the known ones", () => {
    const { counted, chain } = countingChain();
    const tokens = Int32Array.from({ length: 10 * blockTokens }, (_, i) => i);
    const first = KeyedHistory.of(chain, tokens.subarray(0, 6 * blockTokens + 1));
    assert.deepEqual(allKeys(first), expected(first.tokens));
    assert.equal(counted.hashed, 6);
    const longer = KeyedHistory.of(chain, tokens, [first]);
    assert.deepEqual(allKeys(longer), expected(tokens));
    assert.equal(counted.hashed, 10);
    const departed = tokens.slice();
    departed[8 * blockTokens + 1] = -1;
    assert.deepEqual(allKeys(KeyedHistory.of(chain, departed, [first, longer])), expected(departed));
    assert.equal(counted.hashed, 12);
  });

  it("are as if hashed from the first token, whichever histories an agent goes back and forth between", () => {
    const ids = fc
      .array(fc.integer({ min: 0, max: 1 }), { maxLength: 8 * blockTokens })
      .map((list) => Int32Array.from(list));
    const asked = fc.record({ ids, keep: fc.nat(8 * blockTokens), all: fc.boolean(), other: fc.boolean() });
    const second = { ...identity, weightsId: "others" };
    fc.assert(
      fc.property(fc.array(asked, { maxLength: 12 }), (steps) => {
        const histories = new KeyedHistories();
        let before = new Int32Array(0);
        for (const { ids: added, keep, all, other } of steps) {
          const tokens = Int32Array.from([...before.subarray(0, keep), ...added]);
          const model = other ? second : identity;
          const history = histories.of(model, tokens);
          const keys = store.chain(model, tokens).map(({ key }) => key);
          assert.equal(history.fullBlocks, keys.length);
          if (all) assert.deepEqual(allKeys(history), keys);
          assert.equal(history.parentOf(keys.length), keys.at(-1) ?? createBlockHasher(model).root);
          before = tokens;
        }
      }),
    );
  });

  it("know keys that the pool's blocks come with", () => {
    const tokens = Int32Array.from({ length: 4 * blockTokens }, (_, i) => i);
    const known = { tokens, keys: ["a", "b", "c"] };
    assert.deepEqual(new KeyedHistories().of(identity, tokens, [known]).keys, ["a", "b", "c"]);
    assert.deepEqual(new KeyedHistories().of(identity, tokens.subarray(0, 2 * blockTokens), [known]).keys, ["a", "b"]);
  });
});
