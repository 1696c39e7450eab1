import assert from "node:assert/strict";
import { excludedBy, excludeGlob } from "../../../../src/extension/files/excludes";

describe("settings that leave files out", () => {
  const exclude = {
    "**/.git": true,
    "**/*.code-search": true,
    build: true,
    "src/{gen,old}/*.ts": true,
    "**/{a,b}.log": true,
    "docs/**": true,
    kept: false,
    "with.sibling": { when: "$(basename).ts" },
  };

  it("are one glob for VS Code's search", () => {
    assert.equal(excludeGlob({ a: true, b: false, " ": true, "c/*": true }), "{a,c/*}");
    for (const none of [{}, { a: false }, undefined, null, "a"]) assert.equal(excludeGlob(none), undefined);
  });

  it("are compared with paths where VS Code cannot search: with all that is below, from the folder on, by case", () => {
    const isExcluded = excludedBy(exclude, { "**/node_modules": true }, undefined);
    const out = [
      ...[".git", ".git/config", "lib/.git/HEAD", "a.code-search", "x/y/b.code-search", "build", "build/a/b.js"],
      ...["src/gen/a.ts", "src/old/b.ts", "b.log", "x/a.log", "docs/a/b.md", "x/node_modules/y/index.js"],
    ];
    for (const path of out) assert(isExcluded(path), path);
    const kept = [
      ...["gitignore", "x/build", "x/build/a.js", "src/gen/deep/a.ts", "src/new/a.ts", "c.log", "Build", "docs"],
      ...["kept", "with.sibling", "A.CODE-SEARCH"],
    ];
    for (const path of kept) assert(!isExcluded(path), path);
  });
});
