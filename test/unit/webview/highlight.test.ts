import assert from "node:assert/strict";
import { highlight, spans } from "../../../src/webview/shared/highlight";
import { nodesOf, text } from "../../support/webview/trees";

/** The coloured words: [class, text]. */
function coloured(code: string, language: string): readonly (readonly [string | undefined, string])[] {
  return nodesOf(...highlight(code, language)).map((node) => [node.props.class, text(node)]);
}

describe("highlighted code", () => {
  it("colours what declares, what steers, calls, strings and numbers apart", () => {
    const found = coloured('function f() { return g("x", 1); }', "ts");
    assert.deepEqual(found, [
      ["b", "function"],
      ["f", "f"],
      ["k", "return"],
      ["f", "g"],
      ["st", '"x"'],
      ["n", "1"],
    ]);
  });

  it("knows the usual names of languages", () => {
    for (const language of ["ts", "js", "py", "html", "json", "sh", "c++", "go", "rs", "yml", "sql"]) {
      assert(coloured('<a href="x">1 "y": true</a> # c', language).length > 0, language);
    }
  });

  it("leaves code of an unknown language as it is", () => {
    assert.deepEqual(highlight("x < 1 & y", "klingon"), ["x < 1 & y"]);
  });

  it("leaves code as it is that would take too long", () => {
    const long = "let x = 1;\n".repeat(6000);
    assert.deepEqual(highlight(long, "ts"), [long]);
  });

  it("reads markup back as text, entities and all", () => {
    assert.equal(
      text(...spans('a &lt;b&gt; &amp;lt; <span class="hljs-string">&quot;c&#x27;</span>')),
      "a <b> &lt; \"c'",
    );
  });
});
