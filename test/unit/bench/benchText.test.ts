import assert from "node:assert/strict";
import { benchText, randomWords } from "../../../src/bench/benchText";

describe("Text for benchmarks", () => {
  it("grows with the tokens that are asked for", () => {
    const words = (tokens: number) => benchText("a", tokens).split(" ").length;
    assert.ok(words(2000) > 1.8 * words(1000));
    assert.ok(words(1000) > 500 && words(1000) < 1500);
  });

  it("of another label differs from its beginning on, so that no cache is shared", () => {
    assert.notEqual(benchText("a", 100).slice(0, 8), benchText("b", 100).slice(0, 8));
  });

  it("of random words has as many as tokens, and never the same ones", () => {
    assert.equal(randomWords(500).trim().split(" ").length, 500);
    assert.notEqual(randomWords(64), randomWords(64));
  });
});
