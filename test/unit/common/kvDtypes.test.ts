import assert from "node:assert/strict";
import { isKvDtype, kvHeadBytes } from "../../../src/common/kvDtypes";

describe("K/V formats", () => {
  it("have a size, in 8 bits with a scale for every 32 values, however few the last ones are", () => {
    assert.deepEqual([kvHeadBytes("f32", 64), kvHeadBytes("f16", 64), kvHeadBytes("bf16", 64)], [256, 128, 128]);
    assert.deepEqual([kvHeadBytes("q8", 64), kvHeadBytes("q8", 80), kvHeadBytes("q8", 8)], [68, 86, 10]);
  });

  it("are told from anything else", () => {
    assert.ok(isKvDtype("q8"));
    for (const value of ["Q8", "auto", "", undefined, 8]) assert.ok(!isKvDtype(value));
  });
});
