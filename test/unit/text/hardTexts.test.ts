import assert from "node:assert/strict";
import { TextTokenizer } from "../../../src/text/tokenizer";
import { differingTexts, hardTexts, shapes } from "../../support/text/hardTexts";

describe("Hard texts have Hugging Face's ids", () => {
  for (const [name, shape] of Object.entries(shapes.shapes)) {
    it(`with a tokenizer in the form: ${name}`, () => {
      const tokenizer = TextTokenizer.create({ ...shapes.bases[shape.base], ...shape.tokenizer }, {});
      assert.equal(shape.ids.length, 4 * hardTexts.length);
      assert.deepEqual(differingTexts(tokenizer, shape), { ids: [], decoded: [], continued: [] });
    });
  }
});
