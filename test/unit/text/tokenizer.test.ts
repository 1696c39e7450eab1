import assert from "node:assert/strict";
import { Tokenizer } from "@huggingface/tokenizers";
import fc from "fast-check";
import { TextTokenizer } from "../../../src/text/tokenizer";
import { byteLevelTokenizer, chatSpecials, sentencePieceTokenizer } from "../../support/text/tinyTokenizers";

const bpe = TextTokenizer.create(byteLevelTokenizer(), {});
const spm = TextTokenizer.create(sentencePieceTokenizer(), {});
const library = (json: object) => new Tokenizer(json, { clean_up_tokenization_spaces: false });
const specialIds = new Set(bpe.specials.tokens.map(({ id }) => id));

describe("The tokenizer", () => {
  it("encodes as the library does where no special token is meant", () => {
    const reference = library(byteLevelTokenizer());
    for (const text of ["hello world", " hello  hello\n\n\thellé 12", "é🙂 日本", "a", "\n\n"]) {
      assert.deepEqual(bpe.encodeText(text), reference.encode(text).ids, text);
    }
  });

  it("encodes marked text as the library encodes the template's text", () => {
    const reference = library(byteLevelTokenizer());
    const text = "<|im_start|>user\nhello world<|im_end|>\n<|im_start|>assistant\n<think>";
    assert.deepEqual(bpe.encodeMarked(text), reference.encode(text).ids);
  });

  it("spells special-token strings out in plain text, even where they are words of the vocabulary", () => {
    for (const { content } of chatSpecials) {
      const ids = bpe.encodeText(content);
      assert.ok(ids.length > 1 && ids.every((id) => !specialIds.has(id)), content);
      assert.equal(bpe.decode(ids), content);
    }
    assert.ok(!spm.encodeText("a</s>").includes(2));
  });

  it("gives every text back", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => assert.equal(bpe.decode(bpe.encodeText(text)), text)),
      { numRuns: 50 },
    );
  });

  it("uses Unicode's white space, not JavaScript's", () => {
    // "\uFEFF" is no white space: it goes with the letters that are not letters, "!" here.
    assert.deepEqual(bpe.encodeText(" \uFEFF!"), bpe.encodeText(" ").concat(bpe.encodeText("\uFEFF!")));
  });

  it("puts a space symbol before the first text only", () => {
    const ab = spm.idOf("▁ab");
    assert.deepEqual(spm.encodeText("ab"), [ab]);
    assert.deepEqual(spm.encodeText("ab", "middle"), [spm.idOf("ab")]);
    assert.deepEqual(spm.encodeMarked("ab</s>ab"), [ab, 2, spm.idOf("ab")]);
    assert.deepEqual(
      spm.encodeMarked("ab</s>ab"),
      library(sentencePieceTokenizer()).encode("ab</s>ab", { add_special_tokens: false }).ids,
    );
  });

  it("knows the tokens that go before every text", () => {
    assert.deepEqual(spm.leadingIds, [1]);
    assert.deepEqual(bpe.leadingIds, []);
  });

  it("gives white space after a token to that token where the token takes it", () => {
    const greedy = TextTokenizer.create(byteLevelTokenizer([{ content: "<|user|>", special: true, rstrip: true }]), {});
    const [first, ...rest] = greedy.encodeMarked("<|user|> \n hello");
    assert.equal(first, greedy.idOf("<|user|>"));
    assert.deepEqual(rest, greedy.encodeText("hello"));
  });

  it("decodes as the library does", () => {
    const reference = library(sentencePieceTokenizer());
    const token = fc.integer({ min: 259, max: 265 });
    fc.assert(
      fc.property(fc.array(token, { minLength: 1 }), (ids) => assert.equal(spm.decode(ids), reference.decode(ids))),
    );
    assert.equal(spm.decode([...spm.encodeText("é ab🙂")]), "é ab🙂");
  });

  it("refuses what it cannot use, by name", () => {
    const wordPiece = { ...byteLevelTokenizer(), decoder: { type: "WordPiece" } };
    assert.throws(() => TextTokenizer.create(wordPiece, {}), /MODEL_UNSUPPORTED.*WordPiece/);
    assert.throws(
      () => TextTokenizer.create({ ...byteLevelTokenizer(), model: { type: "Magic" } }, {}),
      /MODEL_UNSUPPORTED.*Magic/,
    );
    const withModel = (model: object) => () => TextTokenizer.create({ ...byteLevelTokenizer(), model }, {});
    assert.throws(withModel({ type: "Unigram", vocab: [["a", -1]] }), /MODEL_UNSUPPORTED.*Unigram/);
    const marked = { type: "BPE", vocab: { a: 0 }, merges: [], end_of_word_suffix: "</w>" };
    assert.throws(withModel(marked), /MODEL_UNSUPPORTED.*BPE with end_of_word_suffix/);
    assert.throws(() => TextTokenizer.create("{}", {}), /MODEL_CORRUPT/);
  });
});
