import assert from "node:assert/strict";
import fc from "fast-check";
import { createFormats } from "../../../src/common/format";
import { hiddenCharacters } from "../../../src/common/hiddenCharacters";
import type { DiffLine } from "../../../src/protocol/acting";
import { diffView, languageOf, linesOf } from "../../../src/webview/shared/diffView";
import { highlight } from "../../../src/webview/shared/highlight";
import { childrenOf, textOf } from "../../../src/webview/shared/tree";
import { nodesOf, text } from "../../support/webview/trees";

const formats = createFormats("en");
const line = (kind: DiffLine["kind"], text: string): DiffLine => ({ kind, text });

describe("the lines of coloured code", () => {
  it("are those of the code, whatever it is", () => {
    const language = fc.constantFrom("ts", "python", "css", "json", "unknown");
    const code = fc
      .array(fc.constantFrom("/*", "*/", '"', "`", "\n", "let x", " = 1;", "// no", "def f():"))
      .map((it) => it.join(""));
    fc.assert(
      fc.property(code, language, (it, name) => {
        const lines = linesOf(highlight(it, name)).map((parts) => parts.map(textOf).join(""));
        assert.deepEqual(lines, it.split("\n"));
      }),
    );
  });

  it("have each a part of a comment that goes over several of them", () => {
    const [first, second] = linesOf(highlight("a; /* one\ntwo */ b;", "ts"));
    const comments = (parts: typeof first) => nodesOf(parts).map((node) => [node.props.class, textOf(node)]);
    assert.deepEqual(comments(first), [["dim", "/* one"]]);
    assert.deepEqual(comments(second), [["dim", "two */"]]);
  });
});

describe("the changes of a file", () => {
  const lines = [
    line("gap", "12 lines"),
    line("same", "/* a comment"),
    line("removed", "const old = 1;"),
    line("added", "const next = 2; */ let x;"),
    line("same", "return;"),
  ];
  const view = diffView(lines, "src/a.ts", "Changes of edit_file, call 1", formats);

  it("are told in words, and as what was added and removed", () => {
    assert.equal(view.props["aria-label"], "Changes of edit_file, call 1: 1 line added, 1 removed");
    const of = (type: string) =>
      nodesOf(view)
        .filter((node) => node.type === type)
        .map(textOf);
    assert.deepEqual(of("ins"), ["const next = 2; */ let x;\n"]);
    assert.deepEqual(of("del"), ["const old = 1;\n"]);
  });

  it("are coloured as the file that they belong to: what was removed as the old one, the rest as the new one", () => {
    const [added] = nodesOf(view).filter(({ type }) => type === "ins");
    assert(added);
    assert.deepEqual(
      childrenOf(added).map((child) => (typeof child === "string" ? child : `${child.props.class}: ${textOf(child)}`)),
      ["dim: const next = 2; */", " ", "b: let", " x;", "\n"],
    );
  });

  it("are shown up to a number of lines, and harmlessly", () => {
    const many = Array.from({ length: 1000 }, () => line("added", "a\u202Eb<img src=x>"));
    const shown = diffView(many, "a.html", "Changes", formats);
    assert.match(text(shown), /600 more lines$/);
    assert.deepEqual(hiddenCharacters(text(shown)), []);
    assert(!nodesOf(shown).some(({ type }) => type === "img"));
  });

  it("know a file's language by its ending", () => {
    assert.deepEqual(["src/a.TS", "Makefile", "a.tar.gz", "dir.x/b", ""].map(languageOf), ["ts", "", "gz", "", ""]);
  });
});
