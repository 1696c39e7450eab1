import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { freeName } from "../../../src/common/names";
import { AgentStore } from "../../../src/store/agentStore";
import { FakeLocks, FlakyFiles, inFolder } from "../../support/store/fakes";

const someone = { modelDirectory: "/models/smol", modelName: "smol", contextTokens: 8192, system: "" };

function storeIn(folder: string, locks: FakeLocks): AgentStore {
  const process = locks.process();
  return new AgentStore(folder, new FlakyFiles(), () => process);
}

describe("agents' names", function () {
  this.timeout(30_000);

  it("are given once when twenty processes want the same at the same time", () =>
    inFolder(async (folder) => {
      const locks = new FakeLocks();
      const made = await Promise.allSettled(
        Array.from({ length: 20 }, () => storeIn(folder, locks).create({ ...someone, name: "Ada" })),
      );
      const refusals = made.flatMap((one) => (one.status === "rejected" ? [one.reason.code] : []));
      assert.deepEqual(refusals, Array(19).fill("INVALID_REQUEST"));
      const { manifests, unreadable } = await storeIn(folder, locks).list();
      assert.deepEqual([manifests.length, unreadable.length], [1, 0]);
      assert.equal((await readdir(folder)).length, 2);
    }));

  it("give every agent its own place in the order of creation", () =>
    inFolder(async (folder) => {
      const locks = new FakeLocks();
      await Promise.all(
        Array.from({ length: 12 }, (_, n) => storeIn(folder, locks).create({ ...someone, name: `agent ${n}` })),
      );
      const { manifests } = await storeIn(folder, locks).list();
      assert.deepEqual(
        manifests.map(({ index }) => index),
        [...Array(12).keys()],
      );
    }));

  it("that are taken are refused to a new agent, a fork and a rename, with one that is free", () =>
    inFolder(async (folder) => {
      const store = storeIn(folder, new FakeLocks());
      const ada = await store.create({ ...someone, name: "Ada" });
      const bob = await store.create({ ...someone, name: "Bob" });
      const refused = { code: "INVALID_REQUEST", facts: { name: "Ada", free: "Ada 2" } };
      await assert.rejects(store.create({ ...someone, name: "Ada" }), refused);
      const change = { name: "Ada", headTokens: 0, headTurns: 0 };
      await assert.rejects(store.fork(await store.read(ada.manifest.id), change), refused);
      await assert.rejects(store.rename(bob, "Ada"), refused);
      assert.equal(bob.manifest.name, "Bob");
      await store.rename(ada, "Ada");
      await store.rename(ada, "Cleo");
      await store.rename(bob, "Ada");
      assert.deepEqual(
        (await store.list()).manifests.map(({ name }) => name),
        ["Cleo", "Ada"],
      );
    }));

  it("that a home has twice from before can both be read", () =>
    inFolder(async (folder) => {
      const store = storeIn(folder, new FakeLocks());
      await store.create({ ...someone, name: "Ada" });
      const second = await store.create({ ...someone, name: "Bob" });
      await second.commitOrUndo({ name: "Ada" }, { name: "Bob" });
      const { manifests } = await store.list();
      assert.deepEqual(
        manifests.map(({ name }) => name),
        ["Ada", "Ada"],
      );
      for (const { id } of manifests) assert.equal((await store.read(id)).manifest.name, "Ada");
    }));

  it("have a next one that is free", () => {
    assert.equal(freeName("ada", []), "ada");
    assert.equal(freeName("ada", ["ada"]), "ada 2");
    assert.equal(freeName("ada 2", ["ada", "ada 2", "ada 3"]), "ada 4");
    assert.equal(freeName("7", ["7"]), "7 2");
    assert.equal(freeName("Agent 9", ["Agent 9"]), "Agent 10");
  });
});
