import assert from "node:assert/strict";
import { IgnoreRules } from "../../../../src/extension/files/ignoreRules";

function rulesOf(files: Readonly<Record<string, string>>) {
  const read: string[] = [];
  const rules = new IgnoreRules(async (path) => {
    read.push(path);
    return files[path];
  });
  return { rules, read };
}

describe("what .gitignore leaves out", () => {
  it("is told with the rule and the file that has it", async () => {
    const { rules } = rulesOf({ ".gitignore": "*.log\n/dist/\n", "src/.gitignore": "!keep.log\ngen*\n" });
    const reasons: Readonly<Record<string, string | undefined>> = {
      "a.log": "*.log in .gitignore",
      "src/a.log": "*.log in .gitignore",
      "src/keep.log": undefined,
      "lib/keep.log": "*.log in .gitignore",
      "dist/x/y.ts": "/dist/ in .gitignore",
      "src/dist/y.ts": undefined,
      "src/generated/a.ts": "gen* in src/.gitignore",
      "src/a.ts": undefined,
      "generated.ts": undefined,
      ".git/config": "git's own folder",
      "sub/.git/config": "git's own folder",
      ".gitignore": undefined,
    };
    for (const [path, reason] of Object.entries(reasons)) assert.equal(await rules.reasonFor(path), reason, path);
  });

  it("does not come back inside a folder that is left out", async () => {
    const { rules } = rulesOf({ ".gitignore": "out/\n", "out/.gitignore": "!a.ts\n" });
    assert.equal(await rules.reasonFor("out/a.ts"), "out/ in .gitignore");
  });

  it("is also what a person's own .git/info/exclude leaves out, unless a .gitignore has it back", async () => {
    const { rules } = rulesOf({ ".git/info/exclude": "notes/\n*.tmp\n", ".gitignore": "!keep.tmp\n" });
    assert.equal(await rules.reasonFor("notes/a.md"), "notes/ in .git/info/exclude");
    assert.equal(await rules.reasonFor("src/a.tmp"), "*.tmp in .git/info/exclude");
    assert.equal(await rules.reasonFor("src/keep.tmp"), undefined);
  });

  it("is read once for each folder, until something has changed", async () => {
    const { rules, read } = rulesOf({ ".gitignore": "a\n" });
    for (let index = 0; index < 100; index++) await rules.reasonFor(`src/deep/f${index}.ts`);
    assert.deepEqual(read.sort(), [".git/info/exclude", ".gitignore", "src/.gitignore", "src/deep/.gitignore"]);
    rules.forget();
    await rules.reasonFor("b");
    assert.equal(read.length, 6);
  });
});
