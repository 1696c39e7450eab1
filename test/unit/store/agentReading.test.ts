import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { AgentStore } from "../../../src/store/agentStore";
import { LockWatch, lockStateMs } from "../../../src/store/lockWatch";
import { encodeManifest } from "../../../src/store/manifest";
import { withFailingCalls, withShortReads } from "../../support/store/failingCalls";
import { FakeLocks, FlakyFiles, inFolder, someTokens, tokens } from "../../support/store/fakes";

const ada = { name: "Ada", modelDirectory: "/models/smol", modelName: "smol", contextTokens: 8192, system: "" };

function storeIn(folder: string, locks = new FakeLocks()): AgentStore {
  const process = locks.process();
  return new AgentStore(folder, new FlakyFiles(), () => process);
}

const sha256 = (data: string | Buffer) => createHash("sha256").update(data).digest("hex");

describe("reading agents", function () {
  this.timeout(60_000);

  it("believes no read to be whole: lists, opens and forks are the same when each gives a few bytes only", () =>
    inFolder(async (folder) => {
      const store = storeIn(folder);
      const writer = await store.create(ada);
      const { id } = writer.manifest;
      for (let n = 0; n < 40; n += 1) writer.append({ n, text: "x".repeat(100) }, someTokens(50, n));
      await writer.commit();
      await writer.close();
      const source = await store.read(id);
      await withShortReads(7, async () => {
        const other = storeIn(folder);
        assert.equal((await other.list()).manifests[0]?.name, "Ada");
        const read = await other.read(id);
        assert.deepEqual([read.damage, read.entries.length], [undefined, 40]);
        const fork = await other.fork(read, { name: "Bob", headTokens: 0, headTurns: 0 });
        await fork.close();
        const forked = await other.read(fork.manifest.id);
        assert.equal(forked.damage, undefined);
        assert.deepEqual(forked.entries, source.entries);
        assert.equal(forked.manifest.logs.tokenDigest, source.manifest.logs.tokenDigest);
      });
    }));

  it("gives back a message of 30 MB", () =>
    inFolder(async (folder) => {
      const user = `${"äöü \\ ".repeat(5_000_000)}end`;
      const writer = await storeIn(folder).create(ada);
      writer.append({ type: "turn", user }, tokens());
      await writer.commit();
      const { entries, damage } = await storeIn(folder).read(writer.manifest.id);
      assert.equal(damage, undefined);
      assert.equal(entries[0]?.body["user"] === user, true);
    }));

  it("refuses a file that has become shorter than it was when it was opened, and makes no fork of it", () =>
    inFolder(async (folder) => {
      const store = storeIn(folder);
      const writer = await store.create(ada);
      writer.append({ n: 1 }, tokens(1));
      await writer.commit();
      await writer.close();
      await withShortReads(0, async () => {
        await assert.rejects(store.read(writer.manifest.id), { code: "IO_FAILURE" });
      });
      assert.equal((await store.list()).manifests.length, 1);
    }));

  it("reads agents of earlier versions, whose logs do not say who they are, and writes it with the next commit", () =>
    inFolder(async (folder) => {
      const line = '{"start":0,"count":1,"tokens":"DIGEST","body":{"n":1}}'.replace(
        "DIGEST",
        sha256(Buffer.from([7, 0, 0, 0])).slice(0, 16),
      );
      const turns = Buffer.from(`${sha256(line).slice(0, 16)} ${line}\n`);
      const tokenFile = Buffer.from([7, 0, 0, 0]);
      const logs = {
        turnBytes: turns.length,
        turnDigest: sha256(turns),
        tokenCount: 1,
        tokenDigest: sha256(tokenFile),
      };
      const own = path.join(folder, "abc1");
      await mkdir(own, { recursive: true });
      await writeFile(path.join(own, "turns.log"), turns);
      await writeFile(path.join(own, "tokens.bin"), tokenFile);
      const base = { id: "abc1", index: 3, headTokens: 0, headTurns: 0, createdAt: 1, lastUsedAt: 1 };
      await writeFile(path.join(own, "manifest.json"), encodeManifest({ ...ada, ...base, logs }));
      const store = storeIn(folder);
      const { writer, stored } = await store.open("abc1");
      assert.deepEqual(
        stored.entries.map(({ body, tokens: ids }) => [body["n"], [...ids]]),
        [[1, [7]]],
      );
      writer.append({ n: 2 }, tokens(8));
      await writer.commit();
      await writer.close();
      assert.equal((await store.read("abc1")).entries.length, 2);
      await rm(path.join(own, "manifest.json"));
      const [unreadable] = (await store.list()).unreadable;
      assert.deepEqual([unreadable?.agent?.name, unreadable?.agent?.index], ["Ada", 3]);
    }));

  it("writes no byte into a home that can only be read", () =>
    inFolder(async (folder) => {
      const writer = await storeIn(folder).create(ada);
      writer.append({ n: 1 }, tokens(1));
      await writer.commit();
      await writer.close();
      const { id } = writer.manifest;
      const isWrite = (call: string, _: string, flags: unknown) =>
        ["mkdir", "rename", "link", "rm"].includes(call) ||
        (call === "open" && (typeof flags === "string" ? flags !== "r" : (Number(flags) & 3) !== 0));
      const readOnly = new AgentStore(folder, new FlakyFiles(), () => ({
        tryLock: () => {
          throw Object.assign(new Error("EROFS"), { code: "IO_FAILURE" });
        },
      }));
      const writes = await withFailingCalls("EROFS", isWrite, async () => {
        assert.equal((await readOnly.list()).manifests[0]?.name, "Ada");
        assert.equal((await readOnly.read(id)).entries.length, 1);
        assert.equal(await readOnly.lockState(id), "free");
      });
      assert.equal(writes, 0);
      const refused = await withFailingCalls("EROFS", isWrite, async () => {
        await assert.rejects(readOnly.create({ ...ada, name: "Bob" }), { code: "IO_FAILURE" });
        await assert.rejects(readOnly.open(id), { code: "IO_FAILURE" });
        await readOnly.sweep();
      });
      assert.ok(refused > 0);
      assert.equal((await readdir(folder)).length, 2);
    }));

  it("writes no more for a commit when there are more turns", () =>
    inFolder(async (folder) => {
      const writer = await storeIn(folder).create(ada);
      const manifestBytes: number[] = [];
      for (let n = 100; n < 140; n += 1) {
        for (let part = 0; part < 20; part += 1) writer.append({ n }, tokens(n));
        writer.change({ head: `t${n}`, headTurns: n, headTokens: n * 20 });
        await writer.commit();
        manifestBytes.push((await stat(path.join(writer.folder, "manifest.json"))).size);
      }
      const digits = 4;
      assert.ok(Math.max(...manifestBytes) - Math.min(...manifestBytes) <= digits);
      const log = await readFile(path.join(writer.folder, "turns.log"), "utf8");
      assert.equal(log.split('"agent":').length, 2);
    }));
});

describe("locks that a list tells of", () => {
  it("are not tried again while what was seen is fresh, and are when it is not or one agent is asked for", () =>
    inFolder(async (folder) => {
      const locks = new FakeLocks();
      const ids = Array.from({ length: 200 }, (_, n) => `a${n}`);
      for (const id of ids) await writeFile(path.join(folder, id), "");
      const mine = locks.process();
      let now = 0;
      const watch = new LockWatch(
        (id) => path.join(folder, id),
        () => mine,
        () => now,
      );
      const other = locks.process().tryLock(path.join(folder, "a7"));
      const before = locks.tries;
      const held = async () => [...(await watch.states(ids))].filter(([, state]) => state === "held").map(([id]) => id);
      assert.deepEqual(await held(), ["a7"]);
      assert.equal(locks.tries - before, 200);
      other?.release();
      now = lockStateMs - 1;
      assert.deepEqual(await held(), ["a7"]);
      assert.equal(locks.tries - before, 200);
      assert.equal(await watch.now("a7"), "free");
      assert.equal(locks.tries - before, 201);
      now = lockStateMs;
      assert.deepEqual(await held(), []);
      assert.equal(locks.tries - before, 400);
    }));

  it("are not made by looking, and are unusable where no file is", () =>
    inFolder(async (folder) => {
      const locks = new FakeLocks();
      await mkdir(path.join(folder, "b"));
      const mine = locks.process();
      const watch = new LockWatch(
        (id) => path.join(folder, id),
        () => mine,
      );
      assert.deepEqual(
        [...(await watch.states(["a", "b"]))],
        [
          ["a", "free"],
          ["b", "unusable"],
        ],
      );
      assert.deepEqual(await readdir(folder), ["b"]);
    }));
});
