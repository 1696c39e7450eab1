import assert from "node:assert/strict";
import { Tokenizer } from "@huggingface/tokenizers";
import fc from "fast-check";
import { Detokenizer } from "../../../src/text/detokenizer";
import { TextTokenizer } from "../../../src/text/tokenizer";
import { byteLevelTokenizer, sentencePieceTokenizer } from "../../support/text/tinyTokenizers";

const kinds = [
  { name: "byte-level", json: byteLevelTokenizer(), vocabulary: 271 },
  { name: "SentencePiece", json: sentencePieceTokenizer(), vocabulary: 266 },
];

describe("The incremental detokenizer", () => {
  for (const { name, json, vocabulary } of kinds) {
    const tokenizer = TextTokenizer.create(json, {});
    const reference = new Tokenizer(json, { clean_up_tokenization_spaces: false });
    const ids = fc.array(fc.nat(vocabulary - 1), { minLength: 1, maxLength: 40 });

    it(`${name}: its pieces together are the decoding of all ids, whatever the ids`, () => {
      fc.assert(
        fc.property(ids, (sequence) => {
          const detokenizer = new Detokenizer(tokenizer);
          const pieces = sequence.map((id) => detokenizer.push(id));
          assert.equal(pieces.join("") + detokenizer.finish(), reference.decode(sequence));
        }),
        { numRuns: 400 },
      );
    });

    it(`${name}: never gives half a character`, () => {
      fc.assert(
        fc.property(fc.string({ unit: "grapheme" }), (text) => {
          fc.pre(!text.includes("\uFFFD")); // a whole character like any other, when it is written
          const detokenizer = new Detokenizer(tokenizer);
          for (const id of tokenizer.encodeText(text)) {
            const piece = detokenizer.push(id);
            assert.ok(!/[\p{Cs}\uFFFD]/u.test(piece), JSON.stringify(piece));
          }
          assert.equal(detokenizer.finish(), "");
        }),
      );
    });
  }

  it("holds the bytes of a character back until it is whole", () => {
    const tokenizer = TextTokenizer.create(byteLevelTokenizer(), {});
    const detokenizer = new Detokenizer(tokenizer);
    // The ids of this tokenizer's bytes are the bytes.
    const pieces = [...Buffer.from("a🙂b")].map((byte) => detokenizer.push(byte));
    assert.deepEqual(pieces, ["a", "", "", "", "🙂", "b"]);
  });

  it("marks a character that never became whole, as the full decoding does", () => {
    const tokenizer = TextTokenizer.create(byteLevelTokenizer(), {});
    const detokenizer = new Detokenizer(tokenizer);
    assert.equal(detokenizer.push(0xf0), "");
    assert.equal(detokenizer.push(0x9f), "");
    assert.equal(detokenizer.finish(), "\uFFFD");
  });

  it("drops one space at the very start where the tokenizer says so", () => {
    const tokenizer = TextTokenizer.create(sentencePieceTokenizer(), {});
    const ab = tokenizer.idOf("▁ab") ?? -1;
    const detokenizer = new Detokenizer(tokenizer);
    assert.deepEqual([detokenizer.push(ab), detokenizer.push(ab)], ["ab", " ab"]);
  });
});
