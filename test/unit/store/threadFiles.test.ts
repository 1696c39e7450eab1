import assert from "node:assert/strict";
import { mkdir, readdir, readFile, symlink, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { durableFiles } from "../../../src/store/files";
import { ReferenceReader } from "../../../src/store/references";
import { type StoredThread, ThreadFiles } from "../../../src/store/threadFiles";
import { Random } from "../../support/random";
import { inFolder } from "../../support/store/fakes";

const key = (name: string): string => Buffer.from(name.padEnd(32)).toString("hex");
const thread = (...names: readonly string[]): StoredThread => ({
  keys: names.map(key),
  blockBytes: 100,
  body: JSON.stringify({ said: names, more: "é".repeat(50) }),
});
const fresh = { nowMs: Date.now(), ageMs: 1e9, files: 100, bytes: 1e9 };

describe("files of threads", () => {
  it("are read as they were written, and have another version after each write", () =>
    inFolder(async (home) => {
      const files = new ThreadFiles(path.join(home, "threads"), durableFiles);
      assert.equal(await files.read("a"), undefined);
      const before = await files.write("a", thread("x", "y"));
      assert.deepEqual(await files.read("a"), thread("x", "y"));
      assert.equal(await files.version("a"), before);
      await files.write("a", thread("x"));
      assert.notEqual(await files.version("a"), before);
      assert.deepEqual(await files.read("a"), thread("x"));
    }));

  it("are whole or gone, whatever byte is changed and wherever they are cut", () =>
    inFolder(async (home) => {
      const root = path.join(home, "threads");
      const files = new ThreadFiles(root, durableFiles);
      await files.write("a", thread("x", "y"));
      const whole = await readFile(path.join(root, "a.thread"));
      const random = new Random("threads");
      for (let round = 0; round < 300; round += 1) {
        const bytes = Buffer.from(whole);
        const at = random.below(bytes.length);
        const damaged = round % 3 === 0 ? bytes.subarray(0, at) : bytes;
        if (round % 3 > 0) damaged[at] = (damaged[at] ?? 0) ^ (1 << random.below(8));
        await writeFile(path.join(root, "a.thread"), damaged);
        const read = await files.read("a");
        // The mean size of a block is no secret that a check must keep.
        if (read !== undefined) assert.deepEqual({ ...read, blockBytes: 100 }, thread("x", "y"));
        else assert.deepEqual(await readdir(root), []);
      }
    }));

  it("are removed where something else has their name, and a folder is no thread", () =>
    inFolder(async (home) => {
      const root = path.join(home, "threads");
      const files = new ThreadFiles(root, durableFiles);
      await mkdir(path.join(root, "a.thread"), { recursive: true });
      await symlink("b.thread", path.join(root, "b.thread"));
      assert.deepEqual([await files.read("a"), await files.read("b")], [undefined, undefined]);
      assert.deepEqual(await readdir(root), []);
    }));

  it("go when they are too old, too many, or name too much; what several name counts once", () =>
    inFolder(async (home) => {
      const root = path.join(home, "threads");
      const files = new ThreadFiles(root, durableFiles);
      const write = async (name: string, ageMs: number, ...names: readonly string[]) => {
        await files.write(name, thread(...names));
        const at = (fresh.nowMs - ageMs) / 1000;
        await utimes(path.join(root, `${name}.thread`), at, at);
      };
      const left = async () => (await readdir(root)).sort();
      await write("new", 1000, "x", "y");
      await write("same", 2000, "x", "y", "z");
      await write("large", 3000, "p", "q", "r");
      await write("older", 4000, "x", "w");
      await write("ancient", 50_000, "x");
      await files.enforce({ ...fresh, ageMs: 40_000, bytes: 400 });
      assert.deepEqual(await left(), ["new.thread", "older.thread", "same.thread"]);
      await files.enforce({ ...fresh, files: 1 });
      assert.deepEqual(await left(), ["new.thread"]);
      await files.removeAll();
      await files.enforce(fresh);
    }));

  it("count as references while they are there", () =>
    inFolder(async (home) => {
      const root = path.join(home, "threads");
      const files = new ThreadFiles(root, durableFiles);
      await mkdir(path.join(home, "agents"));
      const references = new ReferenceReader(path.join(home, "agents"), root);
      const named = async (...names: readonly string[]) => {
        const { isReferenced, unknown } = await references.read();
        assert.deepEqual(unknown, []);
        return names.filter((name) => isReferenced(key(name))).join("");
      };
      assert.equal(await named("x", "y"), "");
      await files.write("a", thread("x", "y"));
      await files.write("b", thread("y", "z"));
      assert.equal(await named("w", "x", "y", "z"), "xyz");
      await files.write("a", thread("w"));
      assert.equal(await named("w", "x", "y", "z"), "wyz");
      await writeFile(path.join(root, "b.thread"), "{}");
      assert.equal(await named("w", "x", "y", "z"), "w");
      await files.remove("a");
      assert.equal(await named("w", "x", "y", "z"), "");
    }));

  it("that dead processes began are removed", () =>
    inFolder(async (home) => {
      const root = path.join(home, "threads");
      const files = new ThreadFiles(root, durableFiles);
      await files.write("a", thread("x"));
      const begun = path.join(root, "a.thread.tmp-99999999-abc");
      await writeFile(begun, "half");
      await utimes(begun, 1, 1);
      await files.enforce(fresh);
      assert.deepEqual(await readdir(root), ["a.thread"]);
    }));
});
