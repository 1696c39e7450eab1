import assert from "node:assert/strict";
import fc from "fast-check";
import { mostDropped } from "../../../src/protocol/chatFiles";
import { droppedPaths, mayNameFiles, pastedPaths } from "../../../src/webview/chat/dropped";
import { fileQuery } from "../../../src/webview/chat/fileMentions";

function transfer(data: Readonly<Record<string, string>>) {
  return { types: Object.keys(data), getData: (type: string) => data[type] ?? "" };
}

describe("what a drop names", () => {
  it("is a list of URIs, as file managers and VS Code give it", () => {
    const list = "# a comment\r\nfile:///home/a.ts\r\n\r\nvscode-remote://ssh/b%20c.ts\r\n";
    const paths = ["file:///home/a.ts", "vscode-remote://ssh/b%20c.ts"];
    assert.deepEqual(droppedPaths(transfer({ "text/uri-list": list })), paths);
    assert.deepEqual(droppedPaths(transfer({ "application/vnd.code.uri-list": list })), paths);
    assert.deepEqual(droppedPaths(transfer({ resourceurls: JSON.stringify(paths) })), paths);
  });

  it("is nothing where it is a page's link, or what another program calls by the same name", () => {
    for (const data of [
      { "text/uri-list": "https://example.org/a.ts" },
      { "text/plain": "src/a.ts" },
      { resourceurls: "{" },
      { resourceurls: '{"a": 1}' },
      { resourceurls: "[1, null]" },
    ])
      assert.deepEqual(droppedPaths(transfer(data)), []);
  });

  it("can only be told by its types while it is over the page", () => {
    assert(mayNameFiles({ types: ["text/plain", "ResourceURLs"] }));
    assert(mayNameFiles({ types: ["text/uri-list"] }));
    assert(!mayNameFiles({ types: ["text/plain", "text/html"] }));
  });

  it("has a bound, whatever it is", () => {
    const long = Array.from({ length: 500 }, (_, at) => `file:///a${at}`);
    assert.equal(droppedPaths(transfer({ "text/uri-list": long.join("\n") })).length, mostDropped);
    fc.assert(
      fc.property(fc.string(), fc.string(), (list, json) => {
        const paths = droppedPaths(transfer({ "text/uri-list": list, resourceurls: json }));
        assert(paths.length <= mostDropped && paths.every((path) => typeof path === "string"));
      }),
    );
  });
});

describe("a pasted text", () => {
  it("names files where it is nothing but absolute paths and URIs", () => {
    assert.deepEqual(pastedPaths("/home/ada/src/a.ts"), ["/home/ada/src/a.ts"]);
    assert.deepEqual(pastedPaths('"C:\\work\\a b.ts"\r\nfile:///d.ts\n'), ["C:\\work\\a b.ts", "file:///d.ts"]);
    assert.deepEqual(pastedPaths("\\\\server\\share\\a.ts"), ["\\\\server\\share\\a.ts"]);
  });

  it("is a text where anything else is in it", () => {
    for (const it of [
      "",
      "\n",
      "src/a.ts",
      "look at /home/a.ts",
      "/home/a.ts\nand this",
      "// a comment",
      "/",
      "https://example.org/a.ts",
      "a".repeat(200_000),
    ])
      assert.deepEqual(pastedPaths(it), [], it.slice(0, 40));
  });
});

describe("a file that is being named", () => {
  const at = (draft: string) => fileQuery(draft.replace("|", ""), draft.indexOf("|"));

  it("stands behind an @ at the start, a space or a bracket, up to the caret", () => {
    assert.deepEqual(at("@|"), { text: "", at: 0 });
    assert.deepEqual(at("see @src/re| and"), { text: "src/re", at: 4 });
    assert.deepEqual(at("(@a|"), { text: "a", at: 1 });
    assert.deepEqual(at("one\n@b|"), { text: "b", at: 4 });
  });

  it("is none in an address, behind a space, or after too much text", () => {
    for (const draft of ["ada@example|", "@a b|", "|@a", `@${"x".repeat(201)}|`, "a@|"])
      assert.equal(at(draft), undefined);
  });
});
