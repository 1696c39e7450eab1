import assert from "node:assert/strict";
import { open, readFile } from "node:fs/promises";
import path from "node:path";
import type { NativeAddon } from "../../../src/native/binding";
import { loadAddon } from "../../../src/native/loader";
import { temporaryFolder } from "../../support/models/folders";
import { stageRoot } from "../../support/native/nativeRig";

describe("A file", () => {
  const folder = temporaryFolder();
  let addon: NativeAddon;
  before(() => {
    addon = loadAddon(stageRoot);
  });

  it("is synced while it is open, and refused by name when it is not", async () => {
    const file = path.join(folder.path, "a file");
    const handle = await open(file, "wx+");
    await handle.write("what was said");
    await addon.syncFile(handle.fd, file);
    await handle.close();
    assert.equal(await readFile(file, "utf8"), "what was said");
    const failed = { code: "IO_FAILURE", facts: { path: file, errno: 9 } };
    await assert.rejects(addon.syncFile(1_000_000, file), (error: Error & { facts?: unknown; code?: unknown }) => {
      assert.deepEqual({ code: error.code, facts: error.facts }, failed);
      return true;
    });
  });

  it("that is not there has no attributes", () => {
    const nowhere = path.join(folder.path, "nowhere");
    assert.throws(() => addon.setAttribute(nowhere, "user.resident", Buffer.from("x")), { code: "IO_FAILURE" });
  });
});
