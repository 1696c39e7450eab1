import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { realPathOf } from "../../../../src/extension/files/realPath";

describe("where a path really is", () => {
  let root: string;
  beforeEach(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), "resident links ")));
    mkdirSync(join(root, "inside", "deep"), { recursive: true });
    mkdirSync(join(root, "outside"));
    writeFileSync(join(root, "inside", "a"), "");
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const inside = (...parts: readonly string[]) => join(root, "inside", ...parts);

  it("is itself where there is no link, also where there is nothing yet", async () => {
    for (const parts of [["a"], ["deep"], ["new"], ["new", "folder", "b"], ["a", "below a file"]]) {
      assert.equal(await realPathOf(inside(...parts)), inside(...parts));
    }
  });

  it("is behind links to files, to folders, and to links", async () => {
    symlinkSync(join(root, "outside"), inside("link"));
    symlinkSync("link", inside("again"));
    symlinkSync("a", inside("same"));
    assert.equal(await realPathOf(inside("link", "b")), join(root, "outside", "b"));
    assert.equal(await realPathOf(inside("again", "c", "d")), join(root, "outside", "c", "d"));
    assert.equal(await realPathOf(inside("same")), inside("a"));
  });

  it("is where a write through a link to nothing would make a file", async () => {
    symlinkSync("../outside/made", inside("dangling"));
    assert.equal(await realPathOf(inside("dangling")), join(root, "outside", "made"));
    symlinkSync(join(root, "outside"), inside("deep", "out"));
    symlinkSync("../made", join(root, "outside", "up"));
    assert.equal(await realPathOf(inside("deep", "out", "up")), join(root, "made"));
  });

  it("is nowhere in a circle of links", async () => {
    symlinkSync("two", inside("one"));
    symlinkSync("one", inside("two"));
    await assert.rejects(realPathOf(inside("one", "x")));
  });
});
