/** Forms in which models write quotes and whole files that are not those of the file. */
import assert from "node:assert/strict";
import { replaceQuote } from "../../../src/acting/copiedNumbers";
import { withoutFence } from "../../../src/acting/fencedContent";

describe("a quote with the numbers of its lines", () => {
  const content = "one\n  two\n\nthree\ntwo\n";
  const edited = (old: string, fresh: string) => {
    const found = replaceQuote(content, old, fresh);
    return found.kind === "edited" ? found.text : found.kind;
  };

  it("is what read_file shows: the numbers are left out, of the new text too", () => {
    assert.equal(edited("1\tone\n2\t  two", "1\tone\n2\t  2"), "one\n  2\n\nthree\ntwo\n");
    assert.equal(edited("2\t  two\n3\t\n4\tthree\n", "2\t  two\n"), "one\n  two\ntwo\n");
    assert.equal(edited("3\n4\tthree", "x"), "one\n  two\nx\ntwo\n");
    assert.equal(edited("     4\tthree", "3"), "one\n  two\n\n3\ntwo\n");
  });

  it("is refused where a number says another line, where they do not follow each other, and where not all have one", () => {
    assert.equal(edited("7\tthree", "x"), "missing");
    assert.equal(edited("1\tone\n3\t  two", "x"), "missing");
    assert.equal(edited("1\tone\n  two", "x"), "missing");
    assert.equal(edited("4\tthree", "4\tthree\n4\tx"), "missing", "numbers would become a part of the file");
    assert.equal(edited("4\tfour", "x"), "missing");
  });

  it("is the text itself where the file has such numbers", () => {
    const found = replaceQuote("1\tone\n2\ttwo\n", "2\ttwo", "2\t2");
    assert.equal(found.kind === "edited" && found.text, "1\tone\n2\t2\n");
  });
});

describe("a whole file between fences", () => {
  it("is written without them", () => {
    assert.equal(withoutFence("a.py", "```python\nx = 1\n```"), "x = 1\n");
    assert.equal(withoutFence("src/a.ts", "\n```\r\nlet a;\r\n```\n\n"), "let a;\r\n");
    assert.equal(withoutFence("a.py", "````py\nx\n````"), "x\n");
    assert.equal(withoutFence("a.py", "```\n```"), "");
  });

  it("stays as it is where fences may be text, or are not around all of it", () => {
    for (const path of ["a.md", "docs/a.MDX", "notes.txt", "README", "src/README", "a.html"]) {
      assert.equal(withoutFence(path, "```sh\nls\n```"), "```sh\nls\n```", path);
    }
    for (const text of [
      "x = 1\n",
      "",
      "```py\nx",
      "```py\nx\n```\ny\n",
      "a\n```\nx\n```",
      "```\na\n```\nb\n```\nc\n```",
      "```py x = 1 ```",
      "```py\nx```",
    ]) {
      assert.equal(withoutFence("a.py", text), text, JSON.stringify(text));
    }
  });
});
