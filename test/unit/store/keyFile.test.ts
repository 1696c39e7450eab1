import assert from "node:assert/strict";
import { readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import fc from "fast-check";
import { nextKey, rootKey } from "../../../src/store/blockIdentity";
import { durableFiles } from "../../../src/store/files";
import { copyKeys, groupOf, KeyFile, readKeys } from "../../../src/store/keyFile";
import { identity, inFolder, someTokens } from "../../support/store/fakes";

const other = { ...identity, numericsId: "metal" };

function keysFrom(seed: number, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => nextKey(rootKey(identity), someTokens(4, seed + index)));
}

function fileIn(folder: string): { readonly file: string; readonly keys: () => KeyFile } {
  const file = path.join(folder, "keys.bin");
  return { file, keys: () => new KeyFile(() => file, durableFiles, undefined) };
}

async function keysOf(file: string, of = identity): Promise<readonly string[]> {
  return [...((await readKeys(file)).get(groupOf(of))?.keys() ?? [])];
}

describe("key file", function () {
  this.timeout(20_000);

  it("keeps the keys of every identity, each once", () =>
    inFolder(async (folder) => {
      const { file, keys } = fileIn(folder);
      const [a, b] = [keysFrom(0, 5), keysFrom(20, 3)];
      const first = keys();
      await first.add(identity, a);
      await first.add(other, b);
      const records = await first.add(identity, [...a, ...b]);
      assert.equal(records, (await stat(file)).size / 40);
      assert.deepEqual(await keysOf(file), [...a, ...b]);
      assert.deepEqual(await keysOf(file, other), b);
      assert.equal(await keys().add(identity, a), records, "a later process writes no key again");
      const saved = await keys().saved(identity, 6);
      assert.deepEqual(
        [a[4], b[0]].map((key) => saved?.(key ?? "")),
        [true, false],
      );
      assert.equal(await keys().saved({ ...identity, kvDtype: "q8" }, records), undefined);
    }));

  it("gives back the keys before any cut, and goes on there", () =>
    inFolder(async (folder) => {
      const { file, keys } = fileIn(folder);
      const all = keysFrom(0, 4);
      await keys().add(identity, all);
      const bytes = await readFile(file);
      for (let end = 0; end <= bytes.length; end += 1) {
        await writeFile(file, bytes.subarray(0, end));
        const whole = Math.max(0, Math.floor(end / 40) - 1);
        assert.deepEqual(await keysOf(file), all.slice(0, whole));
        await keys().add(identity, all);
        assert.deepEqual(await keysOf(file), all);
      }
    }));

  it("never gives a key that was not written, whichever byte is changed", () =>
    inFolder(async (folder) => {
      const { file, keys } = fileIn(folder);
      const all = keysFrom(0, 6);
      await keys().add(identity, all);
      const bytes = await readFile(file);
      await fc.assert(
        fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
          const damaged = Buffer.from(bytes);
          damaged[at] = (damaged[at] ?? 0) ^ change;
          await writeFile(file, damaged);
          const groups = await readKeys(file);
          const found = [...groups.values()].flatMap((group) => [...group.keys()]);
          assert.ok(found.length >= all.length - 1);
          for (const key of found) assert.ok(all.includes(key));
          for (const group of groups.keys()) assert.ok(group === "" || group === groupOf(identity));
        }),
        { numRuns: 300 },
      );
    }));

  it("is copied whole", () =>
    inFolder(async (folder) => {
      const { file, keys } = fileIn(folder);
      await keys().add(identity, keysFrom(0, 9));
      const copy = path.join(folder, "copy.bin");
      await copyKeys(durableFiles, file, copy);
      assert.deepEqual(await readFile(copy), await readFile(file));
      await copyKeys(durableFiles, path.join(folder, "none.bin"), copy);
      assert.deepEqual(await keysOf(path.join(folder, "none.bin")), []);
    }));
});
