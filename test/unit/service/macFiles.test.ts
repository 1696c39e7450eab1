import assert from "node:assert/strict";
import { stat } from "node:fs/promises";
import path from "node:path";
import { ResidentError } from "../../../src/common/errors";
import { silentLog } from "../../../src/common/log";
import { excludeFromBackups, exclusionValue, storeFiles } from "../../../src/service/macFiles";
import { AgentStore } from "../../../src/store/agentStore";
import { FakeLocks, inFolder, tokens } from "../../support/store/fakes";
import { countCalls } from "../../support/store/interceptedCalls";

const someone = { name: "Ada", modelDirectory: "/models/smol", modelName: "smol", contextTokens: 8192, system: "" };

/** Syncs of a commit with a line and tokens: by the addon, and by Node. */
async function syncsOfACommit(home: string, platform: NodeJS.Platform) {
  const synced: string[] = [];
  const syncFile = async (descriptor: number, file: string) => {
    assert.ok(Number.isInteger(descriptor));
    synced.push(path.basename(file).replace(/\.tmp-.*/, ""));
  };
  const locks = new FakeLocks().process();
  const files = storeFiles(() => ({ syncFile }), platform);
  const writer = await new AgentStore(home, files, () => locks).create(someone);
  synced.length = 0;
  const calls = await countCalls(home, ["sync"], async () => {
    writer.append({ n: 1 }, tokens(1));
    await writer.commit();
  });
  await writer.close();
  return { byAddon: synced.sort(), byNode: calls.get("sync") ?? 0 };
}

describe("Files on macOS", () => {
  it("are synced in order, and a commit empties the drive's memory once, with its folder", () =>
    inFolder(async (home) => {
      const { byAddon, byNode } = await syncsOfACommit(home, "darwin");
      assert.deepEqual(byAddon, ["manifest.json", "tokens.bin", "turns.log"]);
      assert.equal(byNode, 1);
    }));

  it("are not backed up where they hold blocks", () =>
    inFolder(async (home) => {
      const store = path.join(home, "store");
      const set: { readonly place: string; readonly name: string; readonly value: Uint8Array }[] = [];
      const setAttribute = (place: string, name: string, value: Uint8Array) => void set.push({ place, name, value });
      await excludeFromBackups(store, () => ({ setAttribute }), silentLog, "linux");
      assert.deepEqual(set, []);
      await excludeFromBackups(store, () => ({ setAttribute }), silentLog, "darwin");
      assert.ok((await stat(store)).isDirectory());
      const name = "com.apple.metadata:com_apple_backup_excludeItem";
      assert.deepEqual(set, [{ place: store, name, value: exclusionValue() }]);
      // What Python's plistlib writes for that text.
      assert.equal(
        Buffer.from(exclusionValue()).toString("hex"),
        "62706c69737430305f1011636f6d2e6170706c652e6261636b757064080000000000" +
          "00010100000000000000010000000000000000000000000000001c",
      );
    }));

  it("are used all the same where the file system has no attributes", () =>
    inFolder(async (home) => {
      const setAttribute = () => {
        throw new ResidentError("IO_FAILURE", "setting an attribute failed", "none");
      };
      const warnings: string[] = [];
      const log = { ...silentLog, log: (_: string, text: string) => void warnings.push(text) };
      await excludeFromBackups(home, () => ({ setAttribute }), log, "darwin");
      assert.match(warnings.join(), /setting an attribute failed/);
    }));
});

describe("Files elsewhere", () => {
  it("are synced by Node", () =>
    inFolder(async (home) => {
      assert.deepEqual(await syncsOfACommit(home, "linux"), { byAddon: [], byNode: 4 });
    }));
});
