import assert from "node:assert/strict";
import fc from "fast-check";
import { type Edited, replaceOnce } from "../../../src/acting/edits";
import { findAll } from "../../../src/acting/findAll";

const textOf = (edited: Edited) => (edited.kind === "edited" ? edited.text : edited.kind);
const seed = Number(process.env["RESIDENT_SEED"] ?? 19);

describe("replacing a quoted part of a text", () => {
  const code = "function a() {\n  return 1;\n}\n\nfunction b() {\n  return 2;\n}\n";

  it("takes the quote where it stands exactly once, also within a line", () => {
    assert.deepEqual(replaceOnce(code, "return 1", "return 3"), {
      kind: "edited",
      match: "exact",
      text: code.replace("return 1", "return 3"),
      line: 2,
    });
    assert.equal(textOf(replaceOnce("abc", "b", "")), "ac");
  });

  it("never takes one of several, and says where they are", () => {
    assert.deepEqual(replaceOnce(code, "function ", "fn "), { kind: "several", lines: [1, 5], isMore: false });
    const many = replaceOnce("x\n".repeat(20), "x", "y");
    assert.deepEqual(many, { kind: "several", lines: [1, 2, 3, 4, 5], isMore: true });
    // Overlaps count too.
    assert.equal(replaceOnce("aaa", "aa", "b").kind, "several");
  });

  it("looks past spaces at the ends of lines, where the quote is there once then", () => {
    const spaced = "a  \nb\t\nc\n";
    assert.deepEqual(replaceOnce(spaced, "a\nb\n", "x\n"), {
      kind: "edited",
      match: "spaces",
      text: "x\nc\n",
      line: 1,
    });
    assert.equal(replaceOnce("a \nb\na  \nb\n", "a\nb", "x").kind, "several");
  });

  it("looks past the indentation that all lines have in common, and indents the new text", () => {
    const deep = "class A {\n    run() {\n        go();\n    }\n}\n";
    const quote = "run() {\n    go();\n}";
    const edited = replaceOnce(deep, quote, "run() {\n    go();\n\n    stop();\n}");
    assert.deepEqual(edited, {
      kind: "edited",
      match: "indentation",
      text: "class A {\n    run() {\n        go();\n\n        stop();\n    }\n}\n",
      line: 2,
    });
  });

  it("takes indentation back too, with tabs as well", () => {
    assert.equal(
      textOf(replaceOnce("\tif (a) {\n\t\tb();\n\t}\n", "\t\tif (a) {\n\t\t\tb();\n\t\t}", "\t\tc();")),
      "\tc();\n",
    );
    assert.equal(
      textOf(replaceOnce("if (a) {\n\tb();\n}\n", "\tif (a) {\n\t\tb();\n\t}\n", "\tif (c) {\n\t\tb();\n\t}\n")),
      "if (c) {\n\tb();\n}\n",
    );
  });

  it("never takes what is only similar", () => {
    for (const quote of [
      "function a() {\n  return 1\n}", // a semicolon is missing
      "function  a() {", // another space inside
      "Function a() {",
      "function a() {\n\treturn 1;\n}", // other indentation inside
      "function a() {\n  return 1;\n\n}", // a further line
    ]) {
      assert.equal(replaceOnce(code, quote, "x").kind, "missing", quote);
    }
    // Blank lines alone mean no place.
    assert.equal(replaceOnce("a\n\n\nb\n", "  \n", "x").kind, "missing");
  });

  it("keeps a byte-order mark and the line ends, and gives new lines the file's own", () => {
    const windows = "\ufeffa\r\nb\r\nc\r\n";
    assert.equal(textOf(replaceOnce(windows, "a\nb", "x\ny\nz")), "\ufeffx\r\ny\r\nz\r\nc\r\n");
    assert.equal(textOf(replaceOnce(windows, "\ufeffa\r\nb\r\n", "")), "\ufeffc\r\n");
    // A file with both keeps each of them where it was.
    assert.equal(textOf(replaceOnce("a\nb\r\nc\r\nd\r\n", "c", "x\ny")), "a\nb\r\nx\r\ny\r\nd\r\n");
    assert.equal(textOf(replaceOnce("a\nb\nc\r\n", "a\nb\nc", "x\ny")), "x\ny\r\n");
  });

  it("keeps the end of a text that has no line end", () => {
    assert.equal(textOf(replaceOnce("a \nb", "a\nb\n", "c\n")), "c");
    assert.equal(textOf(replaceOnce("a\nb", "b", "c\n")), "a\nc\n");
  });

  it("tells an edit that does nothing, and an empty quote", () => {
    assert.equal(replaceOnce("a", "a", "a").kind, "same");
    assert.equal(replaceOnce("a\r\n", "a\n", "a\r\n").kind, "same");
    assert.equal(replaceOnce("a  \n", "a\n", "a  \n").kind, "same");
    assert.equal(replaceOnce("a", "", "b").kind, "empty");
    assert.equal(textOf(replaceOnce("", "", "b\n")), "b\n");
    assert.equal(textOf(replaceOnce("\ufeff", "", "b\n")), "\ufeffb\n");
  });

  it("treats signs with a meaning elsewhere as letters", () => {
    assert.equal(textOf(replaceOnce("a.b(c)$&", "a.b(c)", "$& $1 \\n")), "$& $1 \\n$&");
  });

  it("takes linear time for texts that are all alike", () => {
    const started = performance.now();
    replaceOnce("a".repeat(1_000_000), `${"a".repeat(200_000)}b`, "c");
    replaceOnce("a\n".repeat(200_000), `${"a\n".repeat(50_000)}b\n`, "c");
    replaceOnce("  a\n".repeat(200_000), `${"a\n".repeat(50_000)}b\n`, "c");
    assert.ok(performance.now() - started < 5000);
  });
});

const line = fc.stringMatching(/^[ \t]{0,3}[ab(]{0,3}[ ]{0,2}$/);
const lines = fc.array(line, { minLength: 1, maxLength: 8 });
const ends = fc.constantFrom("\n", "\r\n");

describe("any edit", () => {
  const parameters = { seed, numRuns: 500 };

  it("of a part that is there once puts the new text there and keeps everything else", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), fc.string(), (before, old, after, fresh) => {
        const plain = [before, old, after, fresh].map((text) => text.replace(/[\r\ufeff]/g, ""));
        const [head = "", part = "", tail = "", next = ""] = plain;
        const text = head + part + tail;
        const places = findAll(text, part, 2);
        fc.pre(part !== "" && places.length === 1 && part !== next);
        assert.equal(textOf(replaceOnce(text, part, next)), head + next + tail);
      }),
      parameters,
    );
  });

  it("keeps all lines before and behind it, with their ends", () => {
    fc.assert(
      fc.property(lines, lines, ends, fc.nat(8), fc.nat(8), (all, fresh, end, from, count) => {
        const text = all.map((one) => one + end).join("");
        const quote = all.slice(from, from + count).map((one) => `${one.trimEnd()}\n`);
        const edited = replaceOnce(text, quote.join(""), fresh.map((one) => `${one}\n`).join(""));
        if (edited.kind !== "edited") return;
        const head = all
          .slice(0, edited.line - 1)
          .map((one) => one + end)
          .join("");
        assert.ok(edited.text.startsWith(head));
        if (end === "\r\n") assert.doesNotMatch(edited.text, /[^\r]\n/);
        else assert.doesNotMatch(edited.text, /\r/);
      }),
      parameters,
    );
  });

  it("finds what a plain search finds", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[ab]{0,30}$/), fc.stringMatching(/^[ab]{1,4}$/), (text, part) => {
        const expected = [...text].flatMap((_, at) => (text.startsWith(part, at) ? [at] : []));
        assert.deepEqual(findAll(text, part, 100), expected);
      }),
      parameters,
    );
  });
});
