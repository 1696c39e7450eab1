import assert from "node:assert/strict";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { AgentStore } from "../../../src/store/agentStore";
import { FakeLocks, FlakyFiles, inFolder, tokens } from "../../support/store/fakes";

const ada = { name: "Ada", modelDirectory: "/models/smol", modelName: "smol", contextTokens: 8192, system: "" };

function storeIn(folder: string, locks: FakeLocks): AgentStore {
  const process = locks.process();
  return new AgentStore(folder, new FlakyFiles(), () => process);
}

const fill = async (folder: string, ...names: readonly string[]) => {
  await mkdir(folder, { recursive: true });
  for (const name of names) await writeFile(path.join(folder, name), "what somebody said");
};

describe("what killed processes have left among the agents", () => {
  it("is gone after the next start: deletions, agents that were never made, files of saves, tails of no manifest", () =>
    inFolder(async (folder) => {
      const locks = new FakeLocks();
      const writer = await storeIn(folder, locks).create(ada);
      const own = path.join(folder, writer.manifest.id);
      await writer.close();
      await fill(path.join(folder, ".deleted-0123-abcd"), "turns.log", "tokens.bin", "manifest.json");
      await fill(path.join(folder, ".new-4567"), "turns.log", "lock");
      await fill(path.join(folder, "89ab"), "lock");
      await fill(own, "manifest.json.tmp-17", "manifest.json.tmp-17-abcdef", "tail-3.safetensors.tmp-17-1");
      await fill(own, "tail-3.safetensors", "tail-3.window.safetensors");
      await storeIn(folder, locks).sweep();
      assert.deepEqual((await readdir(folder)).sort(), [".names.lock", writer.manifest.id]);
      assert.deepEqual((await readdir(own)).sort(), ["lock", "manifest.json", "turns.log"]);
    }));

  it("stays where it may be somebody's: a folder with a log and no manifest, and what another process is at work on", () =>
    inFolder(async (folder) => {
      const locks = new FakeLocks();
      const writer = await storeIn(folder, locks).create(ada);
      const own = path.join(folder, writer.manifest.id);
      await fill(own, "manifest.json.tmp-17", "tail-3.safetensors");
      await fill(path.join(folder, "89ab"), "turns.log", "tail-1.safetensors", "manifest.json.tmp-9");
      await fill(path.join(folder, ".new-4567"), "turns.log");
      const held = locks.process().tryLock(path.join(folder, ".new-4567", "lock"));
      await storeIn(folder, locks).sweep();
      assert.equal((await readdir(own)).length, 5);
      assert.equal((await readdir(path.join(folder, "89ab"))).length, 3);
      assert.equal((await readdir(path.join(folder, ".new-4567"))).length, 2);
      held?.release();
      await writer.close();
      await storeIn(folder, locks).sweep();
      assert.equal((await readdir(own)).length, 3);
      assert.equal((await readdir(folder)).includes(".new-4567"), false);
    }));

  it("is removed under a lock that this process's own lists do not take for somebody else's", () =>
    inFolder(async (folder) => {
      const locks = new FakeLocks();
      const writer = await storeIn(folder, locks).create(ada);
      const { id } = writer.manifest;
      await writer.close();
      await fill(path.join(folder, id), "manifest.json.tmp-17");
      const process = locks.process();
      const seen: Promise<ReadonlyMap<string, string>>[] = [];
      const store: AgentStore = new AgentStore(folder, new FlakyFiles(), () => ({
        tryLock: (file) => {
          const lock = process.tryLock(file);
          if (seen.length === 0) seen.push(store.lockStates([id]));
          return lock;
        },
      }));
      await store.sweep();
      assert.deepEqual(
        (await Promise.all(seen)).map((states) => states.get(id)),
        ["free"],
      );
    }));

  it("keeps the tail that the manifest names", () =>
    inFolder(async (folder) => {
      const locks = new FakeLocks();
      const store = storeIn(folder, locks);
      const writer = await store.create(ada);
      const identity = {
        weightsId: "w",
        architectureId: "a",
        kvDtype: "f16",
        blockTokens: 4,
        kvLayoutId: "l",
        numericsId: "n",
      };
      const tail = { generation: 2, parent: "0".repeat(64), start: 0, tokens: [1], bytes: 18 };
      writer.change({ cache: { identity, keyRecords: 0, tail, tokens: 1, bytes: 18 } });
      await writer.commit();
      await writer.close();
      const own = path.join(folder, writer.manifest.id);
      await fill(own, "tail-1.safetensors", "tail-2.safetensors", "tail-2.window.safetensors");
      await store.sweep();
      assert.deepEqual((await readdir(own)).filter((name) => name.startsWith("tail")).sort(), [
        "tail-2.safetensors",
        "tail-2.window.safetensors",
      ]);
    }));

  it("does not stand in the way of a save of a process with the same id", () =>
    inFolder(async (folder) => {
      const store = storeIn(folder, new FakeLocks());
      const writer = await store.create(ada);
      await mkdir(path.join(writer.folder, `manifest.json.tmp-${process.pid}`));
      writer.append({ n: 1 }, tokens(1));
      await writer.commit();
      assert.equal((await store.read(writer.manifest.id)).entries.length, 1);
    }));

  it("is nothing where there is no home yet, and where a folder cannot be removed", () =>
    inFolder(async (folder) => {
      await storeIn(path.join(folder, "none"), new FakeLocks()).sweep();
      const broken: AgentStore = new AgentStore(folder, new FlakyFiles(), () => {
        throw new Error("no locks here");
      });
      await fill(path.join(folder, ".new-1"), "turns.log");
      await broken.sweep();
      assert.deepEqual(await readdir(folder), [".new-1"]);
      await rm(path.join(folder, ".new-1"), { recursive: true });
    }));
});
