import assert from "node:assert/strict";
import { copyFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { silentLog } from "../../../src/common/log";
import { StoreKeeper } from "../../../src/service/storeKeeper";
import { BlockStore } from "../../../src/store/blockStore";
import { DiskQuota, leastQuotaBytes } from "../../../src/store/freeDisk";
import { listObjects, usageOf } from "../../../src/store/objectFiles";
import { FakeBlockFiles } from "../../support/store/fakeBlockFiles";
import { identity, inFolder, someTokens } from "../../support/store/fakes";

const minuteMs = 60_000;

/** A store, a clock that the test moves, and keepers of the store. */
class Rig {
  readonly blocks: BlockStore;
  readonly chain: ReturnType<BlockStore["chain"]>;
  /** Two minutes from now: nothing that the test makes is in use. */
  nowMs = Date.now() + 2 * minuteMs;
  collect: () => Promise<void> = async () => {};
  private readonly files = new FakeBlockFiles(identity.blockTokens);
  private saved = 0;

  constructor(private readonly folder: string) {
    this.blocks = new BlockStore(folder);
    this.chain = this.blocks.chain(identity, someTokens(40 * identity.blockTokens));
  }

  keeper(quotaBytes: number, needed: readonly string[] = []): StoreKeeper {
    const { blocks } = this;
    const neededKeys = () => new Set(needed);
    const collectIfDue = () => this.collect();
    return new StoreKeeper({ blocks, quotaBytes, neededKeys, collectIfDue, nowMs: () => this.nowMs, log: silentLog });
  }

  /** One whose quota is bounded by what the test says is free on the disk. */
  keeperOnDisk(quota: DiskQuota): StoreKeeper {
    return new StoreKeeper({
      blocks: this.blocks,
      get quotaBytes() {
        return quota.bytes;
      },
      onCounted: (bytes) => quota.refresh(bytes),
      neededKeys: () => new Set(),
      collectIfDue: () => this.collect(),
      nowMs: () => this.nowMs,
      log: silentLog,
    });
  }

  /** Saves the chain's next blocks and tells the keeper. */
  async save(keeper: StoreKeeper, count: number): Promise<void> {
    for (const block of this.chain.slice(this.saved, this.saved + count)) {
      await this.blocks.save(this.files, identity, block, 0);
    }
    this.saved += count;
    keeper.saved(undefined);
    await keeper.close();
  }

  async remove(key: string | undefined): Promise<void> {
    await rm(this.blocks.objectPath(identity, key ?? ""));
  }

  async onDisk() {
    const objects = await listObjects(this.folder);
    return { ...usageOf(objects), keys: objects.map(({ key }) => key) };
  }
}

describe("The keeper of the store", function () {
  this.timeout(20_000);

  it("adds what is made to what it has counted, and looks at the files again only after ten minutes", () =>
    inFolder(async (folder) => {
      const rig = new Rig(folder);
      const keeper = rig.keeper(1e6);
      await rig.save(keeper, 3);
      const { objects, bytes } = await rig.onDisk();
      assert.deepEqual(await keeper.status(), { path: folder, objects, bytes, quotaBytes: 1e6, refused: 0 });
      const [first] = rig.chain;
      assert.ok(first);
      await copyFile(first.path, path.join(path.dirname(first.path), "of-another-process.safetensors"));
      await rig.save(keeper, 4);
      assert.equal((await keeper.status()).objects, 7);
      rig.nowMs += 11 * minuteMs;
      await rig.save(keeper, 1);
      assert.equal((await keeper.status()).objects, 9);
    }));

  it("counts again once objects were removed", () =>
    inFolder(async (folder) => {
      const rig = new Rig(folder);
      const keeper = rig.keeper(1e6);
      await rig.save(keeper, 5);
      await rig.remove(rig.chain[2]?.key);
      keeper.changed();
      assert.equal((await keeper.status()).objects, 4);
    }));

  it("counts once for all who ask meanwhile, and anew for who asks after a removal", () =>
    inFolder(async (folder) => {
      const rig = new Rig(folder);
      await rig.save(rig.keeper(1e6), 12);
      const keeper = rig.keeper(1e6);
      const asked = [keeper.status(), keeper.status()];
      await rig.remove(rig.chain[2]?.key);
      keeper.changed();
      asked.push(keeper.status());
      assert.equal((await Promise.all(asked)).at(-1)?.objects, 11);
      assert.equal((await keeper.status()).objects, 11);
    }));

  it("keeps the quota, with some room behind it, and what is needed", () =>
    inFolder(async (folder) => {
      const rig = new Rig(folder);
      await rig.save(rig.keeper(1e6), 30);
      const { bytes: quotaBytes } = await rig.onDisk();
      const first = rig.chain[0]?.key ?? "";
      const keeper = rig.keeper(quotaBytes, [first]);
      await rig.save(keeper, 0);
      assert.equal((await rig.onDisk()).objects, 30);
      await rig.save(keeper, 1);
      const { keys, objects, bytes } = await rig.onDisk();
      assert.ok(objects >= 28 && bytes <= quotaBytes * 0.95, `${objects} objects, ${bytes} of ${quotaBytes} bytes`);
      assert.ok(keys.includes(first));
      assert.equal((await keeper.status()).bytes, bytes);
    }));

  it("keeps half of what a full disk leaves, as soon as it has counted the files", () =>
    inFolder(async (folder) => {
      const rig = new Rig(folder);
      await rig.save(rig.keeper(1e12), 30);
      const { bytes } = await rig.onDisk();
      // Apart from the store nothing is free but what makes its share half of it.
      const free = 2 * leastQuotaBytes;
      const quota = new DiskQuota(folder, 1e12, async () => free - bytes);
      const keeper = rig.keeperOnDisk(quota);
      assert.equal((await keeper.status()).quotaBytes, leastQuotaBytes);
      assert.equal(quota.bytes, leastQuotaBytes);
    }));

  it("removes what is too much at the save that follows when the disk became fuller", () =>
    inFolder(async (folder) => {
      const rig = new Rig(folder);
      await rig.save(rig.keeper(1e12), 30);
      const { bytes } = await rig.onDisk();
      let quotaBytes = 1e12;
      const { blocks } = rig;
      const keeper = new StoreKeeper({
        blocks,
        get quotaBytes() {
          return quotaBytes;
        },
        onCounted: async () => {
          quotaBytes = bytes / 2;
        },
        neededKeys: () => new Set(),
        collectIfDue: () => rig.collect(),
        nowMs: () => rig.nowMs,
        log: silentLog,
      });
      await rig.save(keeper, 1);
      assert.equal((await rig.onDisk()).objects, 31, "the disk was looked at with the count");
      await rig.save(keeper, 1);
      assert.ok((await rig.onDisk()).bytes <= quotaBytes);
    }));

  it("does not look at the files after each save where what is needed is more than the quota", () =>
    inFolder(async (folder) => {
      const rig = new Rig(folder);
      await rig.save(rig.keeper(1e6), 30);
      const { bytes } = await rig.onDisk();
      const keys = rig.chain.map(({ key }) => key);
      const keeper = rig.keeper(bytes - 1, keys);
      await rig.save(keeper, 0);
      await rig.remove(keys[0]);
      await rig.save(keeper, 1);
      assert.equal((await keeper.status()).objects, 31);
      await rig.save(keeper, 2);
      assert.equal((await keeper.status()).objects, 32);
    }));

  it("keeps the quota although nothing can be collected, and shows why until it can", () =>
    inFolder(async (folder) => {
      const rig = new Rig(folder);
      await rig.save(rig.keeper(1e6), 30);
      const { bytes } = await rig.onDisk();
      const keeper = rig.keeper(bytes - 1);
      rig.collect = async () => {
        throw new Error("an agent's folder cannot be read");
      };
      await rig.save(keeper, 0);
      assert.ok((await rig.onDisk()).objects < 30);
      assert.match((await keeper.status()).problem?.what ?? "", /cannot be read/);
      rig.collect = async () => {};
      rig.nowMs += 11 * minuteMs;
      await rig.save(keeper, 0);
      assert.equal((await keeper.status()).problem, undefined);
    }));

  it("tells its status where the store cannot be read, with the reason", () =>
    inFolder(async (folder) => {
      const rig = new Rig(path.join(folder, "store"));
      await writeFile(path.join(folder, "store"), "a file in place of the folder");
      const { objects, problem } = await rig.keeper(1e6).status();
      assert.equal(objects, 0);
      assert.match(problem?.what ?? "", /ENOTDIR/);
    }));

  it("evicts nothing that any process has used within the last minute", () =>
    inFolder(async (folder) => {
      const rig = new Rig(folder);
      await rig.save(rig.keeper(1e6), 10);
      rig.nowMs = Date.now();
      await rig.save(rig.keeper(1), 1);
      assert.equal((await rig.onDisk()).objects, 11);
      rig.nowMs += 2 * minuteMs;
      await rig.save(rig.keeper(1), 1);
      assert.equal((await rig.onDisk()).objects, 0);
    }));
});
