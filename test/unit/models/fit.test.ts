import assert from "node:assert/strict";
import { blocksInPool } from "../../../src/models/fit";

describe("Sizing a block pool", () => {
  it("counts whole blocks", () => {
    assert.equal(blocksInPool(1000, 4, 50), 5);
    assert.equal(blocksInPool(999, 4, 50), 4);
    assert.equal(blocksInPool(199, 4, 50), 0);
  });
});
