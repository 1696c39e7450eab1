import assert from "node:assert/strict";
import { FileList } from "../../../../src/extension/files/fileList";
import { globOf, searchFiles } from "../../../../src/extension/files/fileSearch";
import type { FoundFile } from "../../../../src/protocol/chatFiles";

const paths = [
  "README.md",
  "src/README.md",
  "src/extension/chat/chatPanel.ts",
  "src/extension/chat/chatPanels.ts",
  "src/extension/chat/panelDraft.ts",
  "src/extension/room/roomView.ts",
  "src/agents/agents.ts",
  "src/agents/readAhead.ts",
  "test/unit/extension/chatModel.test.ts",
  "native/src/core/model.cpp",
  "docs/panel/chat-notes.md",
];

const files: readonly FoundFile[] = paths.map((path) => ({ path, isFolder: false }));

async function search(query: string, among = files, most = 5): Promise<readonly string[]> {
  return (await searchFiles(query, among, most, async () => {})).map(({ path }) => path);
}

describe("the search for files", () => {
  it("has the file first whose name fits best", async () => {
    const first: Readonly<Record<string, string>> = {
      chatpanel: "src/extension/chat/chatPanel.ts",
      chpa: "src/extension/chat/chatPanel.ts",
      "chatPanels.ts": "src/extension/chat/chatPanels.ts",
      readahead: "src/agents/readAhead.ts",
      ra: "src/agents/readAhead.ts",
      readme: "README.md",
      "src/readme": "src/README.md",
      "room view": "src/extension/room/roomView.ts",
      "agents agents": "src/agents/agents.ts",
      model: "native/src/core/model.cpp",
      "ext/ch/pan": "src/extension/chat/panelDraft.ts",
      "extension\\room": "src/extension/room/roomView.ts",
    };
    for (const [query, path] of Object.entries(first)) assert.equal((await search(query))[0], path, query);
  });

  it("has nothing where the letters are not there in their order", async () => {
    assert.deepEqual(await search("zzz"), []);
    assert.deepEqual(await search("lenap"), []);
  });

  it("is bounded, and asks between pieces whether the thread is needed", async () => {
    const many = Array.from({ length: 5000 }, (_, index) => ({ path: `src/deep/file${index}.ts`, isFolder: false }));
    let pauses = 0;
    const found = await searchFiles("file", many, 7, async () => {
      pauses += 1;
    });
    assert.equal(found.length, 7);
    assert(pauses >= 10);
    assert.deepEqual(await search("file4321", many, 1), ["src/deep/file4321.ts"]);
  });

  it("asks VS Code for the letters in their order where there are more files than are kept", () => {
    assert.equal(globOf("aB1"), "**/*[aA]*[bB]*1*");
    assert.equal(globOf("a b"), "**/*[aA]*[bB]*");
    assert.equal(globOf("{*}"), undefined);
    assert.equal(globOf("ß."), "**/*ß*.*");
  });
});

describe("the list of files", () => {
  const names = (list: FileList) => list.all().map(({ path, isFolder }) => (isFolder ? `${path}/` : path));

  it("has the folders above its files, as long as these are there", () => {
    const list = new FileList(10);
    for (const path of ["a/b/c.ts", "a/d.ts", "e.ts"]) list.add(path);
    assert.deepEqual(names(list).sort(), ["a/", "a/b/", "a/b/c.ts", "a/d.ts", "e.ts"]);
    assert(list.remove("a/b/c.ts"));
    assert.deepEqual(names(list).sort(), ["a/", "a/d.ts", "e.ts"]);
    assert(list.remove("never/there.ts"));
    assert(!list.remove("a"), "a folder may have gone with all that was in it");
  });

  it("is full at its bound", () => {
    const list = new FileList(2);
    for (const path of ["a", "b", "c"]) list.add(path);
    assert.deepEqual(names(list), ["a", "b"]);
    assert(list.isFull);
  });
});
