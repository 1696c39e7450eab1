import assert from "node:assert/strict";
import type { BlockHasher } from "../../../src/engine/ports";
import { commonPrefix, keyChain, TokenHistory } from "../../../src/engine/tokenHistory";
import { fakeHasher } from "../../support/engine/fakePorts";

const ids = (...values: number[]): Int32Array => Int32Array.from(values);

describe("TokenHistory", () => {
  it("chains the keys of full blocks, each over everything before it", () => {
    const history = TokenHistory.growing(keyChain(fakeHasher, 2, undefined), ids(1, 2, 3, 4, 5), 8);
    assert.deepEqual(history.keysOf(5), ["root/1,2", "root/1,2/3,4"]);
    history.append(6);
    assert.equal(history.keyOf(2), "root/1,2/3,4/5,6");
    assert.throws(() => history.keyOf(3), { code: "INTERNAL" });
  });

  it("computes each key once, and none that it was given", () => {
    let hashed = 0;
    const counting: BlockHasher = {
      root: "r",
      next: (parent, tokens) => {
        hashed += 1;
        return fakeHasher.next(parent, tokens);
      },
    };
    const history = TokenHistory.growing(keyChain(counting, 2, undefined), ids(1, 2, 3, 4, 5, 6), 6, ["known"]);
    assert.deepEqual(history.keysOf(6), ["known", "known/3,4", "known/3,4/5,6"]);
    history.keysOf(6);
    assert.equal(hashed, 2);
  });

  it("forgets keys with the tokens that they are of", () => {
    const history = TokenHistory.growing(keyChain(fakeHasher, 2, undefined), ids(1, 2, 3, 4), 4);
    history.keysOf(4);
    history.truncate(3);
    history.append(9);
    assert.deepEqual(history.keysOf(4), ["root/1,2", "root/1,2/3,9"]);
  });

  it("gives different salts different keys", () => {
    const keys = [undefined, "a", "b", ""].map((salt) =>
      TokenHistory.growing(keyChain(fakeHasher, 2, salt), ids(1, 2), 2).keyOf(0),
    );
    assert.equal(new Set(keys).size, 4);
  });

  it("does not grow beyond its capacity", () => {
    const history = TokenHistory.growing(keyChain(fakeHasher, 2, undefined), ids(1), 2);
    history.append(2);
    assert.throws(() => history.append(3), { code: "INTERNAL" });
  });

  it("of tokens that stay what they are shares them, and never grows", () => {
    const tokens = ids(1, 2, 3, 4);
    const history = TokenHistory.of(keyChain(fakeHasher, 2, undefined), tokens, []);
    assert.equal(history.view(0, 4).buffer, tokens.buffer);
    assert.deepEqual(history.keysOf(4), ["root/1,2", "root/1,2/3,4"]);
    history.truncate(3);
    assert.throws(() => history.append(9), { code: "INTERNAL" });
    assert.deepEqual(tokens, ids(1, 2, 3, 4));
  });
});

describe("commonPrefix", () => {
  it("counts leading ids that agree, up to the shorter", () => {
    assert.equal(commonPrefix(ids(1, 2, 3), ids(1, 2, 4)), 2);
    assert.equal(commonPrefix(ids(1, 2), ids(1, 2, 4)), 2);
    assert.equal(commonPrefix(ids(), ids(1)), 0);
    assert.equal(commonPrefix(ids(2), ids(1)), 0);
  });
});
