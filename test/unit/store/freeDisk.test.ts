import assert from "node:assert/strict";
import { statfs } from "node:fs/promises";
import path from "node:path";
import fc from "fast-check";
import { effectiveQuota, freeDiskBytes, leastQuotaBytes, mostOfDisk } from "../../../src/store/freeDisk";
import { inFolder } from "../../support/store/fakes";

const GB = 2 ** 30;

describe("the quota of a store on its disk", () => {
  it("is the setting where the disk has room for twice as much, and half of the room where it has not", () => {
    assert.equal(effectiveQuota(8 * GB, { freeBytes: 100 * GB, storeBytes: 0 }), 8 * GB);
    assert.equal(effectiveQuota(8 * GB, { freeBytes: 6 * GB, storeBytes: 0 }), 3 * GB);
    assert.equal(effectiveQuota(8 * GB, { freeBytes: 0, storeBytes: 6 * GB }), 3 * GB);
    assert.equal(effectiveQuota(8 * GB, { freeBytes: undefined, storeBytes: 6 * GB }), 8 * GB);
  });

  it("leaves a little on a full disk, but never more than the setting", () => {
    assert.equal(effectiveQuota(8 * GB, { freeBytes: 0, storeBytes: 0 }), leastQuotaBytes);
    assert.equal(effectiveQuota(1000, { freeBytes: 0, storeBytes: 0 }), 1000);
  });

  it("does not change while the store itself grows or shrinks", () => {
    fc.assert(
      fc.property(fc.nat(2 ** 45), fc.nat(2 ** 45), fc.nat(2 ** 45), (quota, freeBytes, storeBytes) => {
        const written = Math.floor(freeBytes / 3);
        const before = effectiveQuota(quota, { freeBytes, storeBytes });
        const after = effectiveQuota(quota, { freeBytes: freeBytes - written, storeBytes: storeBytes + written });
        assert.equal(before, after);
        assert.ok(before <= quota);
        if (before > leastQuotaBytes) assert.ok(before <= mostOfDisk * (freeBytes + storeBytes));
      }),
    );
  });

  it("asks the disk on which the folder is, or will be", () =>
    inFolder(async (folder) => {
      const { blocks, bsize } = await statfs(folder);
      for (const place of [folder, path.join(folder, "home", "store")]) {
        const free = await freeDiskBytes(place);
        assert.ok(free !== undefined && free > 0 && free <= blocks * bsize);
      }
    }));
});
