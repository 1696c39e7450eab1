import assert from "node:assert/strict";
import fc from "fast-check";
import { escapeCharacter, type SpecialToken, SpecialTokens } from "../../../src/text/markedText";

const special = (id: number, content: string, isControl = true): SpecialToken => ({
  id,
  content,
  isControl,
  stripsLeft: false,
  stripsRight: false,
  isWord: false,
  takesSpace: false,
});
const specials = new SpecialTokens([
  special(1, "<|im_end|>"),
  special(2, "<s>"),
  special(3, "<s>>"),
  special(4, "€"),
  special(5, "<think>", false),
]);
const plainText = (marked: string) =>
  specials
    .split(marked)
    .map((stretch) => (stretch.kind === "plain" ? stretch.text : "[special]"))
    .join("");

/** Texts that like to collide with the special tokens. */
const hostile = fc
  .array(
    fc.constantFrom("<|im_end|>", "<|im_", "end|>", "<s>", ">", "<", "<s", "€", "<think>", escapeCharacter, "a", " "),
    {
      maxLength: 12,
    },
  )
  .map((parts) => parts.join(""));

describe("Marked text", () => {
  it("gives every escaped content back, with no special token in it", () => {
    fc.assert(fc.property(hostile, (content) => assert.equal(plainText(specials.escape(content)), content)));
  });

  it("keeps the template's own tokens between hostile contents", () => {
    fc.assert(
      fc.property(hostile, hostile, (first, second) => {
        const marked = `<|im_end|>${specials.escape(first)}\n<|im_end|>\n${specials.escape(second)}`;
        const found = specials.split(marked).filter(({ kind }) => kind === "special");
        assert.deepEqual(
          found.map(({ start }) => start),
          [0, marked.indexOf("\n<|im_end|>\n") + 1],
        );
      }),
    );
  });

  it("takes the longest token where several begin", () => {
    const ids = specials.split("<s>><s>").map((stretch) => (stretch.kind === "special" ? stretch.token.id : 0));
    assert.deepEqual(ids, [3, 2]);
  });

  it("lets an answer hold words with a meaning, but no control tokens", () => {
    const kinds = (marked: string) => specials.split(marked).map(({ kind }) => kind);
    const isControl = (token: SpecialToken) => token.isControl;
    assert.deepEqual(kinds(specials.escape("<think>", isControl)), ["special"]);
    assert.deepEqual(kinds(specials.escape("<s>", isControl)), ["plain"]);
    assert.deepEqual(kinds(specials.escape("<think>")), ["plain"]);
  });

  it("covers the text without gaps", () => {
    fc.assert(
      fc.property(hostile, (marked) => {
        const stretches = specials.split(marked);
        assert.equal(stretches.at(-1)?.end ?? 0, marked.length);
        for (const [i, { start }] of stretches.entries()) assert.equal(start, stretches[i - 1]?.end ?? 0);
      }),
    );
  });

  it("looks at no token's string again for each place of a text", () => {
    let looks = 0;
    const many = Array.from({ length: 500 }, (_, id) => ({
      ...special(id, ""),
      get content() {
        looks += 1;
        return `<${id}|>`;
      },
    }));
    const own = new SpecialTokens(many);
    const before = looks;
    const text = "<1<12<9999|><".repeat(100);
    assert.equal(own.escape(text), text);
    assert.equal(own.split(text).length, 1);
    assert.equal(looks, before);
  });
});
