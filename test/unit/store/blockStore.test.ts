import assert from "node:assert/strict";
import { readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import fc from "fast-check";
import { createBlockHasher, firstDifference, rootKey } from "../../../src/store/blockIdentity";
import { BlockStore } from "../../../src/store/blockStore";
import type { BlockFileRefusal } from "../../../src/store/ports";
import { FakeBlockFiles } from "../../support/store/fakeBlockFiles";
import { identity, inFolder, someTokens } from "../../support/store/fakes";

/** A store with the full blocks of `tokens` tokens, as a rule three, saved from pool blocks 0, 1, 2 … */
async function saved(folder: string, tokens = 14) {
  const store = new BlockStore(path.join(folder, "store"));
  const files = new FakeBlockFiles(identity.blockTokens);
  const chain = store.chain(identity, someTokens(tokens));
  for (const [index, block] of chain.entries()) {
    files.contents.set(index, `kv of block ${index}`);
    await store.save(files, identity, block, index);
  }
  return { store, files, chain };
}

/** The path of the chain's block `index`. */
function pathOf(chain: ReturnType<BlockStore["chain"]>, index: number): string {
  const block = chain[index];
  assert.ok(block);
  return block.path;
}

describe("block store", function () {
  this.timeout(20_000);

  it("restores what it saved into other blocks", () =>
    inFolder(async (folder) => {
      const { store, files, chain } = await saved(folder);
      assert.deepEqual(await store.load(files, identity, chain, [7, 8, 9]), { loaded: 3 });
      assert.deepEqual(
        [7, 8, 9].map((block) => files.contents.get(block)),
        [0, 1, 2].map((i) => `kv of block ${i}`),
      );
    }));

  it("writes a block once, however many agents save it", () =>
    inFolder(async (folder) => {
      const { store, files, chain } = await saved(folder);
      for (const [index, block] of chain.entries()) {
        assert.equal((await store.save(files, identity, block, index)).isNew, false);
      }
      assert.equal(files.writes, 3);
    }));

  it("gives equal prefixes equal keys and different ones different keys", () => {
    const store = new BlockStore("/nowhere");
    const ids = fc.array(fc.nat(49_151), { minLength: 4, maxLength: 24 });
    fc.assert(
      fc.property(ids, ids, (a, b) => {
        const [left, right] = [a, b].map((list) => store.chain(identity, Int32Array.from(list)));
        assert.ok(left && right);
        for (let index = 0; index < Math.min(left.length, right.length); index += 1) {
          const end = (index + 1) * identity.blockTokens;
          const equal = a.slice(0, end).join() === b.slice(0, end).join();
          assert.equal(left[index]?.key === right[index]?.key, equal);
        }
      }),
    );
  });

  it("changes every key with any field of the identity", () => {
    const changed = [
      { weightsId: "x" },
      { architectureId: "x" },
      { kvDtype: "bf16" },
      { blockTokens: 8 },
      { kvLayoutId: "x" },
      { numericsId: "x" },
    ].map((change) => rootKey({ ...identity, ...change }));
    assert.equal(new Set([rootKey(identity), ...changed]).size, 7);
    assert.equal(createBlockHasher(identity).root, rootKey(identity));
  });

  it("names the difference of a foreign identity", () => {
    assert.match(
      firstDifference({ ...identity, numericsId: "metal" }, identity) ?? "",
      /computed by metal, this is fake-1/,
    );
    assert.match(firstDifference({ ...identity, kvLayoutId: "old" }, identity) ?? "", /layout is old/);
    assert.equal(firstDifference(identity, identity), undefined);
  });

  const damages: readonly (readonly [string, string, (bytes: Buffer) => Buffer])[] = [
    ["truncated", "truncated", (bytes) => bytes.subarray(0, bytes.length - 9)],
    ["empty", "truncated", () => Buffer.alloc(0)],
    ["with a changed byte", "checksum", (bytes) => Buffer.from(bytes.toString().replace("kv of", "kv Of"))],
    ["of an older format", "format", (bytes) => Buffer.from(bytes.toString().replace("fake-1", "fake-0"))],
  ];
  for (const [name, code, damage] of damages) {
    it(`ends the restore at a file that is ${name}, says why, and writes it anew with the next save`, () =>
      inFolder(async (folder) => {
        const { store, files, chain } = await saved(folder);
        const file = pathOf(chain, 1);
        await writeFile(file, damage(await readFile(file)));
        const { loaded, refused } = await store.load(files, identity, chain, [7, 8, 9]);
        assert.equal(loaded, 1);
        assert.equal(refused?.code, code);
        assert.match(
          refused?.reason ?? "",
          code === "checksum" ? /^block 2 failed its checksum$/ : /^block 2 was refused: ./,
        );
        assert.equal(refused?.atToken, 4);
        assert.equal((await store.findPresent(chain)).present, 1);
        for (const [index, block] of chain.entries()) await store.save(files, identity, block, index);
        assert.deepEqual(await store.load(files, identity, chain, [7, 8, 9]), { loaded: 3 });
      }));
  }

  const failures: readonly (readonly [string, () => BlockFileRefusal])[] = [
    ["cannot be opened", () => ({ code: "unreadable", reason: "opening the file: Too many open files" })],
    [
      "throws while it is read",
      () => {
        throw new Error("Stale file handle");
      },
    ],
  ];
  for (const [name, fail] of failures) {
    it(`ends the restore at a file that ${name}, says why, and neither removes nor distrusts anything`, () =>
      inFolder(async (folder) => {
        const { store, files, chain } = await saved(folder);
        files.refuseRead = (file) => (file === pathOf(chain, 1) ? fail() : undefined);
        const { loaded, refused } = await store.load(files, identity, chain, [7, 8, 9]);
        assert.equal(loaded, 1);
        assert.equal(refused?.code, "unreadable");
        assert.match(refused?.reason ?? "", /open files|Stale/);
        files.refuseRead = () => undefined;
        assert.equal((await store.findPresent(chain)).present, 3);
        const { writes } = files;
        for (const [index, block] of chain.entries()) await store.save(files, identity, block, index);
        assert.equal(files.writes, writes, "good files were written again");
        assert.deepEqual(await store.load(files, identity, chain, [7, 8, 9]), { loaded: 3 });
      }));
  }

  it("says why its folder cannot be looked at", () =>
    inFolder(async (folder) => {
      const { store, chain } = await saved(folder);
      await rename(store.root, `${store.root} aside`);
      await writeFile(store.root, "a file in place of the folder");
      const { present, unreadable } = await store.findPresent(chain);
      assert.equal(present, 0);
      assert.match(unreadable ?? "", /ENOTDIR/);
    }));

  it("refuses a block of another chain under this one's name", () =>
    inFolder(async (folder) => {
      const { store, files, chain } = await saved(folder);
      await writeFile(pathOf(chain, 2), await readFile(pathOf(chain, 1)));
      const { loaded, refused } = await store.load(files, identity, chain, [7, 8, 9]);
      assert.equal(loaded, 2);
      assert.equal(refused?.code, "identity");
    }));

  it("reports a missing file as the end of the chain", () =>
    inFolder(async (folder) => {
      const { store, files, chain } = await saved(folder);
      await rm(pathOf(chain, 1));
      const { loaded, refused } = await store.load(files, identity, chain, [7, 8, 9]);
      assert.equal(loaded, 1);
      assert.equal(refused?.code, "missing");
    }));

  it("counts the files of a long chain up to the first that is missing", () =>
    inFolder(async (folder) => {
      const { store, chain } = await saved(folder, 30 * identity.blockTokens);
      assert.equal((await store.findPresent(chain)).present, 30);
      for (const gone of [25, 24, 16, 7, 0]) {
        await rm(pathOf(chain, gone));
        assert.equal((await store.findPresent(chain)).present, gone);
      }
    }));

  it("says DISK_FULL when the disk is, and leaves no object", () =>
    inFolder(async (folder) => {
      const { store, files, chain } = await saved(folder);
      const [block] = store.chain(identity, someTokens(4, 9));
      assert.ok(block);
      files.writeError = Object.assign(new Error("no space"), { code: "DISK_FULL" });
      await assert.rejects(store.save(files, identity, block, 0), { code: "DISK_FULL" });
      assert.equal((await store.findPresent([block])).present, 0);
      assert.equal((await store.findPresent(chain)).present, 3);
    }));

  it("lets only the owner into its folders", () =>
    inFolder(async (folder) => {
      const { chain } = await saved(folder);
      assert.equal((await stat(path.dirname(pathOf(chain, 0)))).mode & 0o777, 0o700);
    }));
});
