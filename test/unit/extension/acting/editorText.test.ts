import assert from "node:assert/strict";
import fc from "fast-check";
import { asDocument, isSameText, replacementOf } from "../../../../src/extension/acting/editorText";
import { uniqueNames } from "../../../../src/extension/acting/uniqueNames";

const pieces = fc.array(fc.constantFrom("a", "bc", "\n", "\r\n", "\r", "é", "🎈", "\ud83c", " "), { maxLength: 20 });
const text = pieces.map((parts) => parts.join(""));

describe("the text of a document", () => {
  it("has one kind of line end: that of most of its lines", () => {
    assert.equal(asDocument("a\nb\n"), "a\nb\n");
    assert.equal(asDocument("a\r\nb\r\n"), "a\r\nb\r\n");
    assert.equal(asDocument("a\r\nb\r\nc\n"), "a\r\nb\r\nc\r\n");
    assert.equal(asDocument("a\r\nb\nc\n"), "a\nb\nc\n");
  });

  it("is the same text as the file, and does not change again", () => {
    fc.assert(
      fc.property(text, (file) => {
        const document = asDocument(file);
        assert.ok(isSameText(document, file));
        assert.equal(asDocument(document), document);
      }),
    );
  });

  it("differs where more than line ends differ", () => {
    assert.ok(!isSameText("a\n", "a"));
    assert.ok(!isSameText("a\r\nb", "ab"));
  });
});

describe("a replacement", () => {
  it("makes one text of the other, and splits neither a line end nor a character", () => {
    fc.assert(
      fc.property(text, text, (before, after) => {
        const { start, end, text: inserted } = replacementOf(before, after);
        assert.equal(before.slice(0, start) + inserted + before.slice(end), after);
        for (const at of [start, end]) {
          assert.ok(!/\r$/.test(before.slice(0, at)) || !/^\n/.test(before.slice(at)));
          assert.ok(!/[\ud800-\udbff]$/.test(before.slice(0, at)) || !/^[\udc00-\udfff]/.test(before.slice(at)));
        }
      }),
      { numRuns: 500 },
    );
  });

  it("is as short as it can be", () => {
    assert.deepEqual(replacementOf("one two three", "one 2 three"), { start: 4, end: 7, text: "2" });
    assert.deepEqual(replacementOf("same", "same"), { start: 4, end: 4, text: "" });
    assert.deepEqual(replacementOf("aa", "aaa"), { start: 2, end: 2, text: "a" });
    assert.deepEqual(replacementOf("a🎈b", "a🎉b"), { start: 1, end: 3, text: "🎉" });
  });
});

describe("names of folders", () => {
  it("are unique, and unchanged where they are", () => {
    assert.deepEqual(uniqueNames(["a", "b"]), ["a", "b"]);
    assert.deepEqual(uniqueNames(["a", "a", "a (2)", "a"]), ["a", "a (2)", "a (2) (2)", "a (3)"]);
  });
});
