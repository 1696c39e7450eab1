import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { Detokenizer } from "../../../src/text/detokenizer";
import { createTextModel } from "../../../src/text/textModel";
import { TextTokenizer } from "../../../src/text/tokenizer";
import { addedSpaceTokenizer, spaceRunTokenizer } from "../../support/text/tinyTokenizers";

interface Recorded {
  readonly text: string;
  readonly ids: readonly number[];
  readonly decoded: string;
}

/** Ids and texts that Hugging Face's tokenizers 0.23.3 gives for the same three files. */
const recorded: Readonly<Record<"gemma" | "neox" | "phi", readonly Recorded[]>> = JSON.parse(
  readFileSync(path.resolve("test/fixtures/text/spaceTokens.json"), "utf8"),
);

const kinds = [
  ["runs of ▁ that merges make too", spaceRunTokenizer(), recorded.gemma],
  ["runs of spaces that are found in the normalised text", addedSpaceTokenizer(true), recorded.neox],
  ["runs of spaces that are found in the text", addedSpaceTokenizer(false), recorded.phi],
] as const;

describe("Added tokens of white space", () => {
  for (const [name, json, texts] of kinds) {
    const tokenizer = TextTokenizer.create(json, {});

    it(`${name}: texts have Hugging Face's ids`, () => {
      for (const { text, ids } of texts) assert.deepEqual(tokenizer.encodeText(text), ids, JSON.stringify(text));
    });

    it(`${name}: ids have Hugging Face's text, all at once and one by one`, () => {
      for (const { ids, decoded } of texts) {
        assert.equal(tokenizer.decode(ids), decoded);
        const detokenizer = new Detokenizer(tokenizer);
        assert.equal(ids.map((id) => detokenizer.push(id)).join("") + detokenizer.finish(), decoded);
      }
    });

    it(`${name}: messages and answers are written with them`, async () => {
      const template = "{% for m in messages %}{{ m['role'] }}:{{ m['content'] }}{% endfor %}";
      const model = createTextModel({ tokenizer: json, tokenizerConfig: { chat_template: template }, config: {} });
      for (const { text, ids } of texts) {
        const built = await model.prompts.build([{ role: "user", content: `b${text}b` }], []);
        assert.equal(
          model.tokenizer.decode(built.ids).endsWith(tokenizer.decode(tokenizer.encodeText(`b${text}b`))),
          true,
        );
        const segments = model.prompts.answerSegments({ ids: Int32Array.from(ids), text: tokenizer.decode(ids) });
        assert.deepEqual(
          segments.flatMap((segment) => [...segment.ids]),
          ids,
        );
      }
    });
  }
});
