import assert from "node:assert/strict";
import { toolFormatNames, toolFormats } from "../../../../src/text/tools/formats";
import { fuzz } from "../../../support/fuzz/untrusted";
import type { Random } from "../../../support/random";
import { heard, marksOf, type Piece, piecesOf, recordedFormats, vocabularies } from "../../../support/text/toolTexts";

const texts = recordedFormats.flatMap(({ rows, cut }) => [...rows, ...cut].map(({ text }) => text));
const scraps = [
  ...new Set(toolFormatNames.flatMap((name) => marksOf(toolFormats[name]))),
  ...[
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    '"',
    "'",
    "\\",
    ",",
    ":",
    ";",
    "\n",
    " ",
    "```",
    "```json\n",
    "<",
    ">",
    "🙂",
    "\ud83d",
  ],
  ...[
    "read_file",
    "now",
    "nope",
    '"name"',
    '"arguments"',
    "path",
    "call:",
    "<function=",
    "<parameter=path>",
    "</parameter>",
  ],
  ...["</function>", "True", "null", "1e999", "-", "=", "to=functions.now", "analysis", "a b c", "__proto__"],
];

/** Recorded texts, cut and glued, with scraps of others between. */
function hostile(random: Random): string {
  const parts: string[] = [];
  for (let count = 1 + random.below(5); count > 0; count -= 1) {
    const text = random.pick(texts);
    const from = random.below(text.length + 1);
    if (random.below(2) === 0) parts.push(text.slice(from, from + random.below(text.length + 1)));
    for (let more = random.below(6); more > 0; more -= 1) parts.push(random.pick(scraps));
    if (random.below(3) === 0) parts.push(text);
  }
  return parts.join("");
}

function cutAnywhere(random: Random, pieces: readonly Piece[]): readonly Piece[] {
  return pieces.flatMap((piece) => {
    if (piece.id !== undefined || piece.text.length < 2) return [piece];
    const at = 1 + random.below(piece.text.length - 1);
    return [{ text: piece.text.slice(0, at) }, ...cutAnywhere(random, [{ text: piece.text.slice(at) }])];
  });
}

describe("Any text as an answer that may call tools", () => {
  for (const name of toolFormatNames) {
    const format = toolFormats[name];
    it(`in the format ${name}: never throws, loses nothing, and is the same wherever it is cut`, () =>
      fuzz(400, (random) => {
        const said = hostile(random);
        const vocabulary = random.pick(vocabularies);
        const isCut = random.below(3) === 0;
        const pieces = piecesOf(format, said, vocabulary);
        const whole = heard(format, pieces, vocabulary, isCut);
        assert.equal(whole.raw, said);
        assert.deepEqual(heard(format, cutAnywhere(random, pieces), vocabulary, isCut), whole);
        for (const { name: called, arguments: given } of whole.calls) {
          assert.ok(called === "now" || Object.keys(given).length > 0);
          assert.deepEqual(JSON.parse(JSON.stringify(given)), given);
        }
        // What is no call is shown, or said to be dropped.
        if (whole.calls.length === 0 && whole.dropped.length === 0 && !isCut && name !== "harmony") {
          assert.equal(whole.shown, said);
        }
      }));
  }
});

describe("Half a megabyte as an answer that may call tools", () => {
  const letters = 500_000;
  const filled = (text: string) => text.repeat(Math.ceil(letters / text.length));
  const open = '<tool_call>\n{"name": "write_file", "arguments": {"path": "a", "content": "';
  const openXml = "<tool_call>\n<function=write_file>\n<parameter=path>\na\n</parameter>\n<parameter=content>\n";
  const cases: readonly (readonly [
    string,
    "hermes" | "qwenXml" | "gemma4" | "llamaJson" | "pythonic" | "harmony",
    string,
    number,
  ])[] = [
    ["prose", "hermes", filled("The quick brown fox jumps over the lazy dog. \n"), 0],
    ["spaces", "hermes", filled(" "), 0],
    ["brackets", "hermes", filled("<{[`<tool_\n"), 0],
    ["beginnings of calls", "hermes", filled('\n{"name": "read_fil'), 0],
    ["records", "llamaJson", filled('{"name": "x", "parameters": {}}\n'), 0],
    ["an argument", "hermes", `${open}${filled("some words\\n")}"}}\n</tool_call>`, 1],
    ["an argument of quotes", "hermes", `${open}${filled('say "x", ')}"}}\n</tool_call>`, 1],
    ["an argument of marks", "hermes", `${open}${filled("<tool_call></tool_call>\\n")}"}}\n</tool_call>`, 1],
    [
      "a value of marks",
      "qwenXml",
      `${openXml}${filled("</parameter></function></tool_call> x\n")}\n</parameter>\n</function>\n</tool_call>`,
      1,
    ],
    [
      "a value of opening marks",
      "qwenXml",
      `${openXml}${filled("<function=now>\n<tool_call>")}\n</parameter>\n</function>\n</tool_call>`,
      1,
    ],
    ["calls", "hermes", filled('<tool_call>\n{"name": "now"}\n</tool_call>\n'), Math.ceil(letters / 41)],
    ["a list of quotes", "gemma4", `<|tool_call>call:search{text:x,paths:[${filled('"x,')}]}<tool_call|>`, -1],
    ["brackets of Python", "pythonic", `[now(${filled("([{")}`, 0],
    [
      "a message of harmony",
      "harmony",
      `<|channel|>commentary to=functions.run<|message|>{"command": "${filled("ls; ")}"}<|call|>`,
      1,
    ],
  ];

  for (const [what, name, said, count] of cases) {
    it(`takes time in proportion: ${what}`, () => {
      const format = toolFormats[name];
      const pieces = piecesOf(format, said, "tokens").flatMap((piece) => {
        return piece.id === undefined ? (piece.text.match(/[\s\S]{1,4}/g) ?? []).map((text) => ({ text })) : [piece];
      });
      const before = process.cpuUsage();
      const { raw, calls } = heard(format, pieces);
      const { user, system } = process.cpuUsage(before);
      assert.equal(raw.length, said.length);
      if (count >= 0) assert.equal(calls.length, count);
      // Quadratic work would take minutes.
      assert.ok(user + system < 4_000_000, `${(user + system) / 1e6} s`);
    }).timeout(60_000);
  }
});
