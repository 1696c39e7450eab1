import assert from "node:assert/strict";
import fc from "fast-check";
import { excludeGlob } from "../../../../src/extension/files/excludes";
import { listingText, mostListed } from "../../../../src/extension/files/listing";
import {
  isAbsolute,
  isUri,
  lineCount,
  linesOf,
  namedPath,
  namedPaths,
  placeLabel,
} from "../../../../src/extension/files/pathText";
import { mostProblems, problemsText } from "../../../../src/extension/files/problemsText";
import { isImage, textOfBytes, withPlainLines } from "../../../../src/extension/files/textOfBytes";

describe("a path that somebody drops, pastes or types", () => {
  it("may name lines in the ways of editors, compilers and links", () => {
    const cases: readonly (readonly [string, string, number?, number?])[] = [
      ["src/a.ts", "src/a.ts"],
      ["src/a.ts:3", "src/a.ts", 3, 3],
      ["src/a.ts:3-9", "src/a.ts", 3, 9],
      ["src/a.ts:9–3", "src/a.ts", 3, 9],
      ["src/a.ts:3:14", "src/a.ts", 3, 3],
      ["src/a.ts#L3-L9", "src/a.ts", 3, 9],
      ["file:///work/a%20b.ts#L7,2", "file:///work/a%20b.ts", 7, 7],
      ['"C:\\code\\a.ts"', "C:\\code\\a.ts"],
      ["C:\\code\\a.ts:12", "C:\\code\\a.ts", 12, 12],
      ["vscode-remote://ssh/a.ts", "vscode-remote://ssh/a.ts"],
      ["a.ts:0", "a.ts:0"],
    ];
    for (const [text, name, from, to] of cases) {
      const range = from === undefined || to === undefined ? {} : { range: { from, to } };
      assert.deepEqual(namedPath(text), { name, ...range }, text);
    }
  });

  it("is one of a list with one entry a line, without comments and repetitions", () => {
    const list = "# a comment of the list\r\nfile:///a.ts\r\nfile:///b.ts\r\n\r\nfile:///a.ts\r\n";
    assert.deepEqual(
      namedPaths([list, "c.ts"]).map(({ name }) => name),
      ["file:///a.ts", "file:///b.ts", "c.ts"],
    );
  });

  it("is a URI, absolute or neither", () => {
    for (const uri of ["file:///a", "memfs:/a", "untitled:Untitled-1", "vscode-vfs://github/a/b"])
      assert(isUri(uri), uri);
    for (const path of ["/a", "C:\\a", "c:/a", "\\\\server\\share"]) assert(isAbsolute(path) && !isUri(path), path);
    for (const path of ["a/b", "./a", "../a", "C"]) assert(!isAbsolute(path) && !isUri(path), path);
  });
});

describe("the lines of a text", () => {
  it("are those of an array of lines, whatever the range", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 3 })), fc.boolean(), fc.nat(9), fc.nat(9), (parts, ends, a, b) => {
        const lines = parts.map((part) => part.replaceAll(/[\r\n]/g, "x"));
        const text = lines.join("\n") + (ends && lines.length > 0 ? "\n" : "");
        const range = { from: a + 1, to: a + b + 1 };
        const whole = text.split(/(?<=\n)/);
        assert.equal(linesOf(text, range), whole.slice(range.from - 1, range.to).join(""));
        assert.equal(lineCount(text), text === "" ? 0 : whole.length);
      }),
    );
  });

  it("are named as the editor names them", () => {
    assert.equal(placeLabel("a.ts"), "a.ts");
    assert.equal(placeLabel("a.ts", { from: 3, to: 3 }), "a.ts:3");
    assert.equal(placeLabel("a.ts", { from: 3, to: 9 }), "a.ts:3–9");
  });
});

describe("the bytes of a file", () => {
  const bytes = (text: string, encoding: BufferEncoding = "utf8") => Buffer.from(text, encoding);

  it("are text in UTF-8 and UTF-16, without the mark", () => {
    assert.deepEqual(textOfBytes(bytes("\uFEFFgrün")), { text: "grün" });
    assert.deepEqual(textOfBytes(bytes("\uFEFFgrün", "utf16le")), { text: "grün" });
    assert.deepEqual(textOfBytes(bytes("\uFEFFgrün", "utf16le").swap16()), { text: "grün" });
    assert.deepEqual(textOfBytes(bytes("")), { text: "" });
  });

  it("are no text with a zero byte, and for VS Code to read in another encoding", () => {
    assert.deepEqual(textOfBytes(bytes("a\0b")), { is: "binary" });
    assert.deepEqual(textOfBytes(bytes("grün", "latin1")), { is: "other" });
  });

  it("are an image by the name's ending", () => {
    for (const path of ["a.png", "b/c.JPEG", "x.y.webp"]) assert(isImage(path), path);
    for (const path of ["a.svg", "png", ".png", "a.png/b", "a.ts"]) assert(!isImage(path), path);
  });

  it("have lines that end in one way", () => {
    assert.equal(withPlainLines("a\r\nb\rc\nd"), "a\nb\nc\nd");
  });
});

describe("what is left out of a search", () => {
  it("is one glob of all entries that are on", () => {
    const setting = {
      "**/node_modules": true,
      "**/out": false,
      "**/*.js": { when: "$(basename).ts" },
      "**/dist": true,
    };
    assert.equal(excludeGlob(setting), "{**/node_modules,**/dist}");
    for (const none of [undefined, null, {}, { a: false }, "x"]) assert.equal(excludeGlob(none), undefined);
  });
});

describe("the listing of a folder", () => {
  it("has folders first, as an explorer has", () => {
    const paths = ["b.ts", "a/z.ts", "a.ts", "a/b/c.ts", "a/y.ts"];
    assert.equal(listingText(paths, false), "a/b/c.ts\na/y.ts\na/z.ts\na.ts\nb.ts\n");
  });

  it("is bounded, and says what is left out", () => {
    const paths = Array.from({ length: mostListed + 3 }, (_, index) => `f${String(index).padStart(4, "0")}`);
    assert.match(listingText(paths, false), /f0499\n… and 3 more files\n$/);
    assert.equal(listingText(paths, true).split("\n").length, mostListed + 2);
    assert.match(listingText(["a"], true), /^a\n… and more files\n$/);
    assert.equal(listingText([], false), "");
  });
});

describe("problems in words", () => {
  const at = (line: number, severity: "error" | "warning", message = "no", source = "") =>
    ({ line, column: 2, severity, message, source }) as const;

  it("name place, kind, source and the line itself, the worst first", () => {
    const text = problemsText([
      ["a.ts", at(1, "warning", "unused", "lint")],
      ["a.ts", { ...at(7, "error", "Cannot find\n'x'.", "ts 2304"), code: "  x();  " }],
    ]);
    assert.equal(text, "7:2 error: Cannot find\n  'x'. (ts 2304)\n  | x();\n1:2 warning: unused (lint)\n");
  });

  it("name the file where there are several, and end somewhere", () => {
    assert.match(
      problemsText([
        ["a.ts", at(1, "error")],
        ["b.ts", at(2, "error")],
      ]),
      /^a\.ts:1:2 .*\nb\.ts:2:2 /,
    );
    const many = Array.from({ length: mostProblems + 2 }, (_, line) => ["a.ts", at(line, "error")] as const);
    assert.match(problemsText(many), /… and 2 more\n$/);
  });
});
