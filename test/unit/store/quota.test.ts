import assert from "node:assert/strict";
import fc from "fast-check";
import { BlockStore } from "../../../src/store/blockStore";
import { listObjects, usageOf } from "../../../src/store/objectFiles";
import { chooseEvictions, enforceQuota } from "../../../src/store/quota";
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
        assert.ok(evicted.every((object) => !isNeeded(object)));
        const newest = Math.max(...evicted.map((object) => object.usedAtMs));
        assert.ok(kept.every((object) => isNeeded(object) || object.usedAtMs >= newest));
        const left = usageOf(kept).bytes;
        if (left > quotaBytes) assert.ok(kept.every((object) => isNeeded(object)));
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

  it("finds nothing where no store is yet", async () => {
    assert.deepEqual(await listObjects("/nowhere/at all"), []);
  });
});
