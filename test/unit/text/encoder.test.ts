import assert from "node:assert/strict";
import { Tokenizer } from "@huggingface/tokenizers";
import fc from "fast-check";
import { AbortedError } from "../../../src/common/errors";
import { runInSlices, type Steps } from "../../../src/text/steps";
import { TextTokenizer } from "../../../src/text/tokenizer";
import { byteLevelTokenizer, sentencePieceTokenizer, spaceRunTokenizer } from "../../support/text/tinyTokenizers";

const contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
/** As real models have them: SmolLM2, Llama 3, Qwen 2, GPT-4o, DeepSeek; and one that looks back. */
const patterns: readonly (readonly string[])[] = [
  ["\\p{N}", "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"],
  [
    `${contractions}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`,
  ],
  [
    `[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+${contractions}?|` +
      "\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  ],
  [
    "\\p{N}{1,3}",
    "[一-龥]+",
    "[!-~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s+",
  ],
  ["(?<=\\s)\\p{L}+", "\\s+"],
  ["x*"],
];

function splitting(
  regexes: readonly string[],
  model: object = {},
): { readonly own: TextTokenizer; readonly library: Tokenizer } {
  const splits = regexes.map((Regex) => ({ type: "Split", pattern: { Regex }, behavior: "Isolated", invert: false }));
  const bytes = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false };
  const tiny = byteLevelTokenizer([]);
  const json = {
    ...tiny,
    pre_tokenizer: { type: "Sequence", pretokenizers: [...splits, bytes] },
    model: { ...("model" in tiny && typeof tiny.model === "object" ? tiny.model : {}), ...model },
  };
  return { own: TextTokenizer.create(json, {}), library: new Tokenizer(json, {}) };
}

const tokenizers = patterns.map((regexes) => splitting(regexes));
const word = fc.constantFrom(
  ..."hello| hello|world|im|é|12|345|7|\n|\n\n|  |      | \t|'s|'RE|...|</|x|xx|日本|🙂|\uD800|a\u0301|\u0085|\uFEFF|\r\n|/".split(
    "|",
  ),
);
const words = (max: number) => fc.array(word, { maxLength: max }).map((list) => list.join(""));
const idsOf = (library: Tokenizer, text: string) => library.encode(text, { add_special_tokens: false }).ids;

function stepsOf(tokenizer: TextTokenizer, text: string): number {
  let count = 1;
  for (const run = tokenizer.textSteps(text, "start"); run.next().done !== true; ) count += 1;
  return count;
}

describe("The encoder", () => {
  it("gives the library's ids, whatever the text and wherever the tokenizer cuts", () => {
    fc.assert(
      fc.property(words(40), (text) => {
        for (const { own, library } of tokenizers) assert.deepEqual(own.encodeText(text), idsOf(library, text));
      }),
      { numRuns: 300 },
    );
  });

  it("merges long words as the library does", () => {
    const letters = fc.array(fc.constantFrom(..."heloĠwrdĊÃ©im"), { minLength: 1, maxLength: 400 });
    for (const ignore_merges of [true, false]) {
      const { own, library } = splitting([], { ignore_merges });
      fc.assert(
        fc.property(letters, (list) => assert.deepEqual(own.encodeText(list.join("")), idsOf(library, list.join("")))),
        { numRuns: 200 },
      );
    }
  });

  it("leaves out a character without a token, as the library does where no token stands for the unknown", () => {
    const vocab = { a: 0, null: 1, undefined: 2, aa: 3 };
    for (const unknown of [{}, { unk_token: null }, { unk_token: "null" }, { unk_token: "null", fuse_unk: true }]) {
      const { own, library } = splitting([], { vocab, merges: ["a a"], ...unknown });
      for (const text of ["a b", "ñña", "aañ", "b"]) assert.deepEqual(own.encodeText(text), idsOf(library, text), text);
    }
  });

  it("cuts a text that is one word only where no token reaches across", () => {
    const own = TextTokenizer.create(sentencePieceTokenizer(), {});
    const json = sentencePieceTokenizer();
    const library = new Tokenizer({ ...json, added_tokens: [], post_processor: null }, {});
    fc.assert(
      fc.property(fc.array(fc.constantFrom(..."abc  é🙂\n▁"), { maxLength: 60 }), (list) =>
        assert.deepEqual(own.encodeText(list.join("")), idsOf(library, list.join(""))),
      ),
      { numRuns: 500 },
    );
  });

  it("gives an edited text the ids that it would have alone", () => {
    const edit = fc.record({ at: fc.nat(), drop: fc.nat(6), add: words(3) });
    fc.assert(
      fc.property(
        fc.nat(patterns.length - 1),
        fc.array(word, { minLength: 600, maxLength: 900 }),
        fc.array(edit, { maxLength: 6 }),
        (which, list, edits) => {
          const { own, library } = splitting(patterns[which] ?? []);
          let text = list.join("");
          for (const { at, drop, add } of [{ at: 0, drop: 0, add: "" }, ...edits]) {
            const from = at % (text.length + 1);
            text = text.slice(0, from) + add + text.slice(from + drop);
            assert.deepEqual(own.encodeText(text), idsOf(library, text));
          }
        },
      ),
      { numRuns: 25 },
    );
  });

  it("gives an edited marked text the ids that it would have alone", () => {
    const tokens = [
      { content: "<s>", special: true },
      { content: "<s>>", special: true },
      { content: "<r>", special: true, rstrip: true },
      { content: "<think>", special: false },
    ];
    const create = () => TextTokenizer.create(byteLevelTokenizer(tokens), {});
    const [own, reference] = [create(), create()];
    const part = fc.oneof(word, fc.constantFrom("<s>", "<s>>", "<s", ">", "<r>", "<think>", "\uFDD0<s>", "\uFDD0"));
    const parts = (min: number, max: number) =>
      fc.array(part, { minLength: min, maxLength: max }).map((list) => list.join(""));
    const edit = fc.record({ at: fc.nat(), drop: fc.nat(6), add: parts(0, 3), continues: fc.boolean() });
    fc.assert(
      fc.property(parts(700, 900), fc.array(edit, { maxLength: 6 }), (first, edits) => {
        let text = first;
        for (const { at, drop, add, continues } of [{ at: 0, drop: 0, add: "", continues: false }, ...edits]) {
          const from = at % (text.length + 1);
          text = text.slice(0, from) + add + text.slice(from + drop);
          // Texts that are too short to be remembered, put together at special tokens.
          const expected = reference.specials.split(text).flatMap((stretch, i, all) => {
            if (stretch.kind === "special") return [stretch.token.id];
            const before = all[i - 1];
            const strips = before?.kind === "special" && before.token.stripsRight;
            return reference.encodeText(strips ? stretch.text.replace(/^\p{White_Space}+/u, "") : stretch.text);
          });
          assert.deepEqual(own.encodeMarked(text, continues ? 0 : undefined), expected);
        }
      }),
      { numRuns: 25 },
    );
  });

  it("reads only what is near an edit again", () => {
    const { own } = splitting(patterns[1] ?? []);
    const text = "hello world, it's 12 o'clock\n".repeat(4000);
    const steps = (edited: string) => stepsOf(own, edited);
    assert.ok(steps(text) > 100);
    assert.ok(steps(`${text.slice(0, 60_000)}now ${text.slice(60_000)}`) <= 2);
    assert.ok(steps(`${text.slice(0, 60_000)}now ${text.slice(60_100)}`) <= 2);
  });

  it("can be interrupted in any long text, one word or many", () => {
    for (const text of ["hello world ".repeat(40_000), " ".repeat(100_000), "hello".repeat(20_000)]) {
      assert.ok(stepsOf(splitting(patterns[0] ?? []).own, text) > 20);
    }
    assert.ok(stepsOf(TextTokenizer.create(spaceRunTokenizer(), {}), "a▁▁".repeat(20_000)) > 20);
  });
});

describe("Work in steps", () => {
  it("lets others work, and ends when it is told to", async () => {
    const stop = new AbortController();
    function* endless(): Steps<void> {
      for (;;) yield;
    }
    setTimeout(() => stop.abort(), 1);
    await assert.rejects(runInSlices(endless(), stop.signal), AbortedError);
    await assert.rejects(runInSlices(endless(), stop.signal), AbortedError);
  });

  it("gives what it is done for, at once or in slices", async () => {
    const { own } = splitting(patterns[0] ?? []);
    const text = "hello world 12 ".repeat(1000);
    assert.deepEqual(Array.from(await runInSlices(own.textSteps(text, "start"))), own.encodeText(text));
  });
});
