import assert from "node:assert/strict";
import { PieceCache } from "../../../src/text/pieceCache";

const others = (cache: PieceCache, from: number, to: number, used: string) => {
  for (let index = from; index < to; index += 1) {
    cache.set(String(index), Int32Array.of(index));
    if (index % 1000 === 0) cache.get(used);
  }
};

describe("Remembered pieces", () => {
  it("stay as long as they are used, and go when 20,000 others came after them", () => {
    const cache = new PieceCache();
    cache.set("used", Int32Array.of(1));
    cache.set("left", Int32Array.of(2));
    others(cache, 0, 50_000, "used");
    assert.deepEqual(cache.get("used"), Int32Array.of(1));
    assert.equal(cache.get("left"), undefined);
    assert.equal(cache.get("29000"), undefined);
    assert.deepEqual(cache.get("49999"), Int32Array.of(49_999));
  });

  it("are short", () => {
    const cache = new PieceCache();
    assert.ok(cache.takes("a".repeat(12)));
    assert.ok(!cache.takes("a".repeat(13)));
  });
});
