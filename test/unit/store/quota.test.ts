import assert from "node:assert/strict";
import { mkdir, readdir, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import fc from "fast-check";
import { BlockStore } from "../../../src/store/blockStore";
import { chooseEvictions, enforceQuota, listObjects, removeLeftovers, usageOf } from "../../../src/store/quota";
import { FakeBlockFiles } from "../../support/store/fakeBlockFiles";
import { identity, inFolder, someTokens } from "../../support/store/fakes";

const objects = fc.uniqueArray(
  fc.record({
    key: fc.nat(0xffff).map((key) => key.toString(16)),
    bytes: fc.integer({ min: 1, max: 1000 }),
    usedAtMs: fc.nat(1000),
  }),
  { selector: (object) => object.key },
);

describe("quota", function () {
  this.timeout(20_000);

  it("evicts the least recently used first, no more than it must, and nothing that is needed", () => {
    fc.assert(
      fc.property(objects, fc.nat(5000), fc.func(fc.boolean()), (list, quotaBytes, isNeeded) => {
        const all = list.map((object) => ({ ...object, path: object.key }));
        const evicted = chooseEvictions(all, quotaBytes, isNeeded);
        const kept = all.filter((object) => !evicted.includes(object));
        assert.ok(evicted.every((object) => !isNeeded(object.key)));
        const newest = Math.max(...evicted.map((object) => object.usedAtMs));
        assert.ok(kept.every((object) => isNeeded(object.key) || object.usedAtMs >= newest));
        const left = usageOf(kept).bytes;
        if (left > quotaBytes) assert.ok(kept.every((object) => isNeeded(object.key)));
        const last = evicted.at(-1);
        if (last !== undefined) assert.ok(left + last.bytes > quotaBytes);
      }),
    );
  });

  it("takes a chain from its end", () =>
    inFolder(async (folder) => {
      const store = new BlockStore(folder);
      const files = new FakeBlockFiles(identity.blockTokens);
      const chain = store.chain(identity, someTokens(12));
      for (const [index, block] of chain.entries()) await store.save(files, identity, block, index);
      await store.load(files, identity, chain, [0, 1, 2]);
      const { bytes } = usageOf(await listObjects(folder));
      const left = await enforceQuota(folder, bytes - 1, () => false);
      assert.equal(left.objects, 2);
      assert.equal((await store.findPresent(chain)).present, 2);
    }));

  it("removes what broken writes left, once it is old", () =>
    inFolder(async (folder) => {
      await mkdir(path.join(folder, "ab"));
      const [old, young] = ["a.safetensors.tmp-1-1", "b.safetensors.tmp-2-1"].map((name) =>
        path.join(folder, "ab", name),
      );
      assert.ok(old !== undefined && young !== undefined);
      await writeFile(old, "x");
      await writeFile(young, "x");
      await utimes(old, 1, 1);
      await removeLeftovers(folder, 60_000, Date.now());
      assert.deepEqual(await readdir(path.join(folder, "ab")), [path.basename(young)]);
    }));

  it("finds nothing where no store is yet", async () => {
    assert.deepEqual(await listObjects("/nowhere/at all"), []);
  });
});
