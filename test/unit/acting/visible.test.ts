import assert from "node:assert/strict";
import { visible, visibleLine } from "../../../src/acting/visible";

const marked = (code: number) => `a⟨U+${code.toString(16).toUpperCase().padStart(4, "0")}⟩b`;

describe("What a person agrees to", () => {
  it("has a mark for each character that cannot be seen or that turns the text", () => {
    const controls = Array.from({ length: 0xa0 }, (_, code) => code).filter(
      (code) => (code < 0x20 || code >= 0x7f) && code !== 0x09 && code !== 0x0a,
    );
    const marks = [0xad, 0x61c, 0x200b, 0x200e, 0x200f, 0x2028, 0x2029, 0x202a, 0x202e, 0x2060, 0x2064, 0x2066, 0xfeff];
    // Tags, letters without a shape, and selectors that hide text in other text.
    const hidden = [0xe0041, 0xe007f, 0x3164, 0x115f, 0x034f, 0xe0100];
    for (const code of [...controls, ...marks, ...hidden]) {
      assert.equal(visible(`a${String.fromCodePoint(code)}b`), marked(code));
    }
  });

  it("is left as it is where people write so: joined letters and emoji, tabs, lines", () => {
    for (const text of ["npm test\n\tls", "می\u200cخواهم", "👩\u200d💻", "❤\ufe0f", "żółw"])
      assert.equal(visible(text), text);
  });

  it("is in one line where it must be", () => {
    assert.equal(visibleLine("a\tb\nc"), "a⟨U+0009⟩b⟨U+000A⟩c");
  });
});
