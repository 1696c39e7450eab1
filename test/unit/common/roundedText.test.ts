import assert from "node:assert/strict";
import { createFormats } from "../../../src/common/format";
import { roundedText } from "../../../src/common/roundedText";

describe("What an import says of rounding", () => {
  const formats = createFormats("en");

  it("is nothing where no weight was rounded", () => {
    assert.equal(roundedText([], formats), undefined);
  });

  it("is the types with their tensors, and the largest difference of all", () => {
    const rounded = [
      { type: "Q6_K", bits: 8, tensors: 12, largestError: 0.00391 },
      { type: "Q2_K", bits: 4, tensors: 1, largestError: 0.0662 },
    ];
    assert.equal(
      roundedText(rounded, formats),
      "Rounded 12 tensors in Q6_K to 8 bits, 1 tensor in Q2_K to 4 bits: no weight changed by more than 6.6% of the " +
        "largest one of its group of 32. All other weights are exact.",
    );
  });
});
