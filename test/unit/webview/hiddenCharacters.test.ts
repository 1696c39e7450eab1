import assert from "node:assert/strict";
import fc from "fast-check";
import { hiddenCharacters } from "../../../src/common/hiddenCharacters";
import { markHidden, withoutHidden } from "../../../src/webview/shared/hiddenCharacters";
import { highlight } from "../../../src/webview/shared/highlight";
import { inlineCode } from "../../../src/webview/shared/inlineCode";
import { childrenOf } from "../../../src/webview/shared/tree";
import { nodesOf, text } from "../../support/webview/trees";

function range(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

/** All bidirectional controls, all that has no width, and what else can hide text. */
const hidden = [
  0x00,
  0x08,
  0x1b,
  0x7f,
  0x85,
  0xad,
  0x34f,
  0x61c,
  0x115f,
  0x180e,
  0x3164,
  0xfeff,
  0xffa0,
  0xfff9,
  ...range(0x200b, 0x200f),
  ...range(0x2028, 0x202e),
  ...range(0x2060, 0x206f),
  ...range(0xe0020, 0xe007f),
];

const ordinary = [
  "a\tb\r\n c",
  "h\u00E9 \u00F1, \u65E5\u672C\u8A9E, \u043F\u0440\u0438\u0432\u0435\u0442, \u05E9\u05DC\u05D5\u05DD, \u0645\u0631\u062D\u0628\u0627",
  "\u{1F468}\u200D\u{1F469}\u200D\u{1F467} \u{1F44D}\u{1F3FD} \u26A0\uFE0F \u{1F3F4}",
  "e\u0301 \u2013 \u201Cquoted\u201D \u00A0 \u2192",
];

describe("hidden characters", () => {
  for (const code of hidden) {
    const name = `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
    it(`are found: ${name}`, () => {
      const source = `a${String.fromCodePoint(code)}b`;
      assert.deepEqual(
        hiddenCharacters(source).map(({ index, code: found }) => [index, found]),
        [[1, name]],
      );
      assert.equal(withoutHidden(source), "ab");
    });
  }

  for (const source of ordinary) {
    it(`are not what every script and emoji needs: ${JSON.stringify(source)}`, () => {
      assert.deepEqual(hiddenCharacters(source), []);
      assert.equal(withoutHidden(source), source);
    });
  }

  it("are a joiner that joins no emoji", () => {
    assert.equal(withoutHidden("pass\u200Dword \u{1F468}\u200Dx"), "password \u{1F468}x");
  });

  it("become marks that say which, and nothing else changes", () => {
    const piece = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom(...hidden.map((it) => String.fromCodePoint(it))),
    );
    fc.assert(
      fc.property(fc.array(piece), (parts) => {
        const source = parts.join("");
        const marked = markHidden([source]);
        assert.equal(text(...marked), withoutHidden(source));
        assert.deepEqual(
          nodesOf(...marked).map(({ props }) => props["data-code"]),
          hiddenCharacters(source).map(({ code }) => code),
        );
      }),
    );
  });

  it("are marked in coloured code, inside the colours", () => {
    const marked = markHidden(highlight('let x = "user\u202E";', "ts"));
    const [string] = nodesOf(...marked).filter(({ props }) => props.class === "st");
    assert(string);
    const [mark] = nodesOf(...childrenOf(string));
    assert.equal(mark?.props["title"], "U+202E, right-to-left override");
    assert.equal(mark.props["role"], "img");
    assert.equal(mark.props["aria-label"], "hidden character U+202E, right-to-left override");
  });

  it("are marked in the code that a person wrote, not in the text around it", () => {
    const shown = inlineCode("a\u200Db `c\u200Dd`");
    assert.equal(text(...shown), "a\u200Db cd");
  });
});
