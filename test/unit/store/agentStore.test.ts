import assert from "node:assert/strict";
import { appendFile, readdir, readFile, stat, truncate, writeFile } from "node:fs/promises";
import path from "node:path";
import { AgentStore } from "../../../src/store/agentStore";
import { durableFiles } from "../../../src/store/files";
import { agentFiles } from "../../../src/store/manifest";
import type { DurableFiles } from "../../../src/store/ports";
import { withFailingCalls } from "../../support/store/failingCalls";
import { FakeLocks, FlakyFiles, inFolder, tokens } from "../../support/store/fakes";

const ada = {
  name: "Ada",
  modelDirectory: "/models/smol",
  modelName: "smol",
  contextTokens: 8192,
  system: "Be brief.",
};

function storeIn(folder: string, locks = new FakeLocks().process(), files = new FlakyFiles()): AgentStore {
  return new AgentStore(
    folder,
    files,
    () => locks,
    () => 1_700_000_000_000,
  );
}

/** Logs that are written when the test says so. */
class SlowLogs extends FlakyFiles {
  private held: Promise<Error | undefined> = Promise.resolve(undefined);

  /** Answers with what lets the next write go on, or fail. */
  hold(): (failure: Error | undefined) => void {
    let release = (_: Error | undefined) => {};
    this.held = new Promise((resolve) => {
      release = resolve;
    });
    return release;
  }

  override async writeAt(file: string, position: number, bytes: Uint8Array, sync?: boolean): Promise<void> {
    const failure = await this.held;
    this.held = Promise.resolve(undefined);
    if (failure !== undefined) throw failure;
    await super.writeAt(file, position, bytes, sync);
  }
}

describe("agent store", function () {
  this.timeout(20_000);

  it("reads back what was committed, without the lock", () =>
    inFolder(async (folder) => {
      const writer = await storeIn(folder).create(ada);
      writer.append({ type: "turn", user: "Hello" }, tokens());
      writer.append({ type: "answer", text: "Hi" }, tokens(5, 6));
      writer.change({ head: "t1" });
      await writer.commit();
      const read = await storeIn(folder).read(writer.manifest.id);
      assert.equal(read.manifest.head, "t1");
      assert.deepEqual(
        read.entries.map((entry) => [entry.body["type"], [...entry.tokens]]),
        [
          ["turn", []],
          ["answer", [5, 6]],
        ],
      );
    }));

  it("writes the manifest while the logs are written, and puts it in its place when they are on disk", () =>
    inFolder(async (folder) => {
      const files = new SlowLogs();
      const writer = await storeIn(folder, undefined, files).create(ada);
      const manifest = () => readFile(path.join(writer.folder, "manifest.json"), "utf8");
      const before = await manifest();
      for (const failure of [undefined, new Error("the log is lost")]) {
        const held = files.hold();
        writer.append({ type: "turn", user: "Hello" }, tokens());
        const commit = writer.commit();
        commit.catch(() => {});
        while (!(await readdir(writer.folder)).some((name) => name.includes(".tmp-"))) await new Promise(setImmediate);
        const now = await manifest();
        held(failure);
        if (failure === undefined) {
          await commit;
          assert.equal(now, before);
          assert.notEqual(await manifest(), before);
        } else {
          await assert.rejects(commit, { code: "IO_FAILURE" });
          assert.equal(await manifest(), now);
          assert.ok(!(await readdir(writer.folder)).some((name) => name.includes(".tmp-")));
          assert.ok(writer.hasUncommitted);
          await writer.commit();
          assert.notEqual(await manifest(), now);
        }
      }
      assert.equal((await storeIn(folder).read(writer.manifest.id)).entries.length, 2);
    }));

  it("lets a second process read and fork, not write, until the first lets go", () =>
    inFolder(async (folder) => {
      const locks = new FakeLocks();
      const [first, second] = [storeIn(folder, locks.process()), storeIn(folder, locks.process())];
      const writer = await first.create(ada);
      const { id } = writer.manifest;
      await assert.rejects(second.open(id), { code: "AGENT_LOCKED" });
      await assert.rejects(second.remove(id), { code: "AGENT_LOCKED" });
      assert.equal(await second.lockState(id), "held");
      assert.equal((await second.read(id)).manifest.name, "Ada");
      const fork = await second.fork(await second.read(id), { name: "Bob", headTokens: 0, headTurns: 0 });
      assert.equal(fork.manifest.index, 1);
      await writer.close();
      assert.equal(await second.lockState(id), "free");
      await (await second.open(id)).writer.close();
    }));

  it("keeps everything on a full disk and saves it with the next commit", () =>
    inFolder(async (folder) => {
      const files = new FlakyFiles();
      const store = storeIn(folder, undefined, files);
      const writer = await store.create(ada);
      files.full = true;
      writer.append({ n: 1 }, tokens(1));
      await assert.rejects(writer.commit(), { code: "DISK_FULL" });
      assert.equal(writer.hasUncommitted, true);
      assert.equal((await store.read(writer.manifest.id)).entries.length, 0);
      files.full = false;
      writer.append({ n: 2 }, tokens(2));
      await writer.commit();
      const { entries } = await store.read(writer.manifest.id);
      assert.deepEqual(
        entries.map((entry) => [...entry.tokens]),
        [[1], [2]],
      );
    }));

  it("takes back a message that could not be committed", () =>
    inFolder(async (folder) => {
      const files = new FlakyFiles();
      const store = storeIn(folder, undefined, files);
      const writer = await store.create(ada);
      files.full = true;
      await assert.rejects(
        writer.appendOrUndo([{ body: { n: 1 }, tokens: tokens(1) }], { head: "t1" }, { head: null }),
        {
          code: "DISK_FULL",
        },
      );
      files.full = false;
      await writer.appendOrUndo([{ body: { n: 2 }, tokens: tokens(2) }], { name: "Bea" }, { name: "Ada" });
      const { manifest, entries } = await store.read(writer.manifest.id);
      assert.deepEqual(
        entries.map((entry) => entry.body["n"]),
        [2],
      );
      assert.equal(manifest.head, undefined);
    }));

  it("ignores what a process wrote and did not commit before it died, and writes over it", () =>
    inFolder(async (folder) => {
      const locks = new FakeLocks();
      const store = storeIn(folder, locks.process());
      const writer = await store.create(ada);
      const { id } = writer.manifest;
      writer.append({ n: 1 }, tokens(1));
      await writer.commit();
      await writer.close();
      await appendFile(path.join(folder, id, "turns.log"), "0123456789abcdef {torn");
      await appendFile(path.join(folder, id, "tokens.bin"), Buffer.from([9, 9]));
      const { writer: next, stored } = await store.open(id);
      assert.equal(stored.entries.length, 1);
      next.append({ n: 2 }, tokens(2));
      await next.commit();
      assert.deepEqual(
        (await store.read(id)).entries.map((entry) => [...entry.tokens]),
        [[1], [2]],
      );
    }));

  it("survives a death between any two writes of a commit", () =>
    inFolder(async (folder) => {
      const { tokens: tokenLog, turns: turnLog, manifest } = agentFiles;
      for (const lost of [[tokenLog, turnLog, manifest], [turnLog, manifest], [turnLog], [manifest]]) {
        let isDead = false;
        const check = (file: string) => {
          if (isDead && lost.some((name) => name === path.basename(file))) throw new Error("dead");
        };
        const files: DurableFiles = {
          writeAt: async (file, position, bytes) => {
            check(file);
            await durableFiles.writeAt(file, position, bytes);
          },
          replace: async (file, bytes, durability, after) => {
            check(file);
            await durableFiles.replace(file, bytes, durability, after);
          },
        };
        const home = path.join(folder, lost.join());
        const store = new AgentStore(home, files, () => new FakeLocks().process());
        const writer = await store.create(ada);
        writer.append({ n: 1 }, tokens(1));
        await writer.commit();
        writer.append({ n: 2 }, tokens(2));
        isDead = true;
        await assert.rejects(writer.commit());
        isDead = false;
        const { stored } = await store.open(writer.manifest.id);
        assert.deepEqual(
          stored.entries.map((entry) => entry.body["n"]),
          [1],
        );
      }
    }));

  it("reads what is before the damage, and refuses to go on from it and to copy it", () =>
    inFolder(async (folder) => {
      const store = storeIn(folder);
      const writer = await store.create(ada);
      const { id } = writer.manifest;
      for (const n of [1, 2, 3]) writer.append({ n }, tokens(n));
      await writer.commit();
      await writer.close();
      const log = path.join(folder, id, "turns.log");
      await truncate(log, (await stat(log)).size - 10);
      const read = await store.read(id);
      assert.equal(read.entries.length, 2);
      assert.match(read.damage?.reason ?? "", /line 4/);
      await assert.rejects(store.open(id), { code: "AGENT_CORRUPT" });
      await assert.rejects(async () => store.fork(read, { name: "Ada again", headTokens: 0, headTurns: 0 }), {
        code: "AGENT_CORRUPT",
      });
    }));

  it("lists the others when a manifest is damaged or of another format", () =>
    inFolder(async (folder) => {
      const store = storeIn(folder);
      const writers = [await store.create(ada), await store.create({ ...ada, name: "Bob" })];
      const damaged = writers[0]?.manifest.id ?? "";
      const file = path.join(folder, damaged, "manifest.json");
      await writeFile(file, (await readFile(file, "utf8")).replace("Ada", "Eve"));
      const { manifests, unreadable } = await store.list();
      assert.deepEqual(
        manifests.map((manifest) => manifest.name),
        ["Bob"],
      );
      assert.deepEqual(
        unreadable.map(({ id, agent }) => [id, agent?.name]),
        [[damaged, "Ada"]],
      );
      await assert.rejects(store.read(damaged), { code: "AGENT_CORRUPT" });
    }));

  it("lists what another process has changed, and reads no other manifest again", () =>
    inFolder(async (folder) => {
      const [store, other] = [storeIn(folder), storeIn(folder)];
      const writers = [];
      for (let i = 0; i < 20; i += 1) writers.push(await other.create({ ...ada, name: `agent ${i}` }));
      const before = (await store.list()).manifests;
      assert.equal(before.length, 20);
      writers[7]?.change({ name: "Bob" });
      await writers[7]?.commit();
      await other.remove(before[12]?.id ?? "", writers[12]);
      const after = (await store.list()).manifests;
      const changed = after.filter((manifest) => !before.includes(manifest));
      assert.deepEqual(
        changed.map(({ name }) => name),
        ["Bob"],
      );
      assert.equal(after.length, 19);
    }));

  it("names an agent's delegates, also another process's, and looks at no file of an agent that was listed", () =>
    inFolder(async (folder) => {
      const [store, other] = [storeIn(folder), storeIn(folder)];
      const { id } = (await other.create(ada)).manifest;
      await other.create({ ...ada, name: "Bob" });
      const delegate = async () => {
        const change = { name: "Helper", headTokens: 0, headTurns: 0, delegateOf: id };
        const writer = await other.fork(await other.read(id), change);
        await writer.close();
        return writer.manifest.id;
      };
      const first = [await delegate(), await delegate()];
      await store.list();
      const lookedAt = new Set<string>();
      const note = (_call: string, file: string) => {
        if (file !== "") lookedAt.add(path.relative(folder, file).split(path.sep)[0] ?? "");
        return false;
      };
      const named = async () => {
        let delegates: readonly string[] = [];
        lookedAt.clear();
        await withFailingCalls("EIO", note, async () => {
          delegates = await store.delegatesOf(id);
        });
        return delegates;
      };
      assert.deepEqual(await named(), first);
      assert.deepEqual(lookedAt, new Set([""]));
      const later = await delegate();
      assert.deepEqual(await named(), [...first, later]);
      assert.deepEqual(lookedAt, new Set(["", later]));
      await other.remove(first[0] ?? "");
      assert.deepEqual(await named(), [first[1], later]);
    }));

  it("finds no agent by an id that is a path", () =>
    inFolder(async (folder) => {
      await assert.rejects(storeIn(folder).read("../secret"), { code: "AGENT_NOT_FOUND" });
    }));

  it("makes files that only the owner can read, and removes all of a deleted agent", () =>
    inFolder(async (folder) => {
      const store = storeIn(folder);
      const writer = await store.create(ada);
      writer.append({ n: 1 }, tokens(1));
      await writer.commit();
      for (const name of ["turns.log", "tokens.bin", "manifest.json"]) {
        assert.equal((await stat(path.join(folder, writer.manifest.id, name))).mode & 0o777, 0o600);
      }
      await store.remove(writer.manifest.id, writer);
      assert.deepEqual(await readdir(folder), [".names.lock"]);
    }));

  it("writes nothing of a new agent when the disk is full", () =>
    inFolder(async (folder) => {
      const files = new FlakyFiles();
      files.full = true;
      const store = storeIn(folder, undefined, files);
      await assert.rejects(store.create(ada), { code: "DISK_FULL" });
      assert.deepEqual(await readdir(folder), [".names.lock"]);
    }));
});
