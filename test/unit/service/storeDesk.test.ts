import assert from "node:assert/strict";
import { readdir, readFile, rename, rm, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { silentLog } from "../../../src/common/log";
import { LastVerification } from "../../../src/service/lastVerification";
import { StoreCollector } from "../../../src/service/storeCollector";
import { StoreDesk } from "../../../src/service/storeDesk";
import { listObjects } from "../../../src/store/objectFiles";
import { AgentRig } from "../../support/agents/agentRig";
import { checkFakeBlockFile } from "../../support/store/fakeBlockFiles";
import { FakeLocks, inFolder } from "../../support/store/fakes";
import { countCalls } from "../../support/store/interceptedCalls";

const hourMs = 60 * 60_000;
const message = "Tell me of the harbour and its three parts";

/** A home with agents, and its store's desk two hours later. */
function deskOf(home: string, locks = new FakeLocks()) {
  const rig = new AgentRig(home, { locks });
  const root = path.join(home, "store");
  const nowMs = () => Date.now() + 2 * hourMs;
  const { references } = rig.store;
  const collector = new StoreCollector({ root, references, locks: () => locks.process(), nowMs, log: silentLog });
  const desk = new StoreDesk({
    root,
    quotaBytes: 1e6,
    references,
    collector,
    checker: () => ({ checkBlockFile: checkFakeBlockFile }),
    deleteAgents: () => rig.agents.deleteAll(),
    damagedAgents: () => rig.agents.damaged(),
    repairAgent: (id) => rig.agents.repair(id),
    sweepAgents: () => rig.agents.sweep(),
    onChanged: () => {},
    keepVerified: (verified) => new LastVerification(root).keep(verified),
  });
  return { rig, root, collector, desk, locks };
}

describe("the store's desk", function () {
  this.timeout(20_000);

  it("counts what is there, by model, and what nobody refers to", () =>
    inFolder(async (home) => {
      const { rig, root, desk } = deskOf(home);
      assert.equal((await desk.stats()).objects, 0);
      const [ada, bob] = [await rig.create("Ada"), await rig.create("Bob")];
      await rig.ask(ada, message);
      await rig.ask(bob, "Something else");
      await rig.agents.close();
      const objects = await listObjects(root);
      const bytes = objects.reduce((sum, object) => sum + object.bytes, 0);
      const stats = await desk.stats();
      assert.equal(stats.objects, objects.length);
      assert.deepEqual(stats.referenced, { objects: objects.length, bytes });
      assert.deepEqual(
        stats.models.map(({ name, objects: count }) => [name, count]),
        [["fake", objects.length]],
      );
      assert.equal(stats.agents, 2);
      assert.ok(stats.agentFiles.objects >= 8 && stats.agentFiles.bytes > 1000 && stats.freeDiskBytes > 0);
      await rename(path.join(home, "agents", ada), path.join(home, "agents", ".deleted-ada"));
      const left = await desk.stats();
      assert.ok(left.unreferenced.objects > 5);
      assert.equal(left.unreferenced.objects + left.referenced.objects, objects.length);
    }));

  it("collects what a deletion that was killed has left, the token ids in it too", () =>
    inFolder(async (home) => {
      const { rig, root, desk } = deskOf(home);
      const id = await rig.create();
      await rig.ask(id, message);
      await rig.agents.close();
      await rm(path.join(home, "agents", id), { recursive: true });
      const report = await desk.collect();
      assert.ok(report.removed.objects > 5);
      assert.deepEqual(await listObjects(root), []);
      assert.deepEqual(await readdir(path.join(home, "agents")), [".names.lock"]);
    }));

  it("keeps for later windows what the last verification found, and what a repair left of it", () =>
    inFolder(async (home) => {
      const { rig, root, desk } = deskOf(home);
      assert.equal(await new LastVerification(root).get(), undefined);
      await rig.ask(await rig.create(), message);
      await rig.agents.close();
      const [damaged] = await listObjects(root);
      assert.ok(damaged);
      await writeFile(damaged.path, "no block");
      const { checked } = await desk.verify(() => {});
      const found = await new LastVerification(root).get();
      assert.deepEqual([found?.checked, found?.problems, found?.stopped], [checked, 1, false]);
      assert.ok(Math.abs(Date.parse(found?.at ?? "") - Date.now()) < hourMs);
      await desk.repair(() => {});
      assert.equal((await new LastVerification(root).get())?.problems, 0);
      await writeFile(path.join(root, "verified.json"), "{ half of");
      assert.equal(await new LastVerification(root).get(), undefined);
    }));

  it("finishes at the next start a deletion that was killed, and leaves what another agent shares", () =>
    inFolder(async (home) => {
      const { rig, root } = deskOf(home);
      const [id, other] = [await rig.create(), await rig.create("Bob")];
      await rig.ask(id, message);
      await rig.ask(other, message.slice(0, 20));
      await rig.agents.close();
      await rename(path.join(home, "agents", id), path.join(home, "agents", ".deleted-ada"));
      const before = (await listObjects(root)).length;
      const next = deskOf(home);
      await next.rig.agents.sweep();
      const { objects, unreferenced, referenced } = await next.desk.stats();
      assert.equal(unreferenced.objects, 0);
      assert.ok(objects === referenced.objects && objects > 3 && objects < before);
      assert.equal((await next.rig.ask(other, "And?")).figures.cache.refused, undefined);
      const names = await readdir(path.join(home, "agents"));
      assert.deepEqual(names.sort(), [".names.lock", other]);
    }));

  it("repairs: removes what is damaged, nothing else, and the agent reads that part again", () =>
    inFolder(async (home) => {
      const { rig, root, desk } = deskOf(home);
      const id = await rig.create();
      await rig.ask(id, message);
      await rig.agents.close();
      const objects = await listObjects(root);
      const [first] = objects;
      assert.ok(first);
      await writeFile(first.path, (await readFile(first.path, "utf8")).replace('"content":"', '"content":"x'));
      const verification = await desk.verify(() => {});
      assert.deepEqual(
        verification.problems.map(({ code }) => code),
        ["checksum"],
      );
      assert.equal((await listObjects(root)).length, objects.length);
      const { removed, agents } = await desk.repair(() => {});
      assert.deepEqual([removed.objects, agents.length], [1, 0]);
      assert.equal((await listObjects(root)).length, objects.length - 1);
      assert.deepEqual((await desk.verify(() => {})).problems, []);
      assert.equal((await new AgentRig(home).ask(id, "And?")).figures.cache.refused?.code, "missing");
    }));

  it("repairs damaged agents too", () =>
    inFolder(async (home) => {
      const { rig, desk } = deskOf(home);
      const id = await rig.create();
      await rig.ask(id, message);
      await rig.agents.close();
      await writeFile(path.join(home, "agents", id, "manifest.json"), "damaged");
      const { agents, failed } = await desk.repair(() => {});
      assert.deepEqual([agents.map((agent) => agent.name), failed], [["Ada"], []]);
      assert.equal((await new AgentRig(home).agents.get(id)).turns.length, 1);
    }));

  it("forgets everything, and nothing while another window uses an agent", () =>
    inFolder(async (home) => {
      const { rig, root, desk, locks } = deskOf(home);
      const id = await rig.create();
      await rig.ask(id, message);
      await rig.agents.close();
      const window = new AgentRig(home, { locks });
      await window.agents.warm(id);
      await assert.rejects(desk.forget(), { code: "AGENT_LOCKED" });
      assert.equal((await rig.agents.list()).length, 1);
      await window.agents.close();
      const { agents, removed } = await desk.forget();
      assert.equal(agents, 1);
      assert.deepEqual(await listObjects(root), []);
      assert.ok(removed.objects >= 0);
      assert.deepEqual(await rig.agents.list(), []);
      const left = await readdir(path.join(home, "agents"));
      assert.deepEqual(left, [".names.lock"]);
    }));
});

describe("the store's collector", function () {
  this.timeout(20_000);

  it("collects by itself at most once in an hour, whichever process does it", () =>
    inFolder(async (home) => {
      const { rig, root, collector, locks } = deskOf(home);
      await rig.ask(await rig.create(), message);
      await rig.agents.close();
      await collector.collectIfDue();
      const stamp = path.join(root, "collected");
      const two = deskOf(home, locks).collector;
      await utimes(stamp, new Date(Date.now() + 1.5 * hourMs), new Date(Date.now() + 1.5 * hourMs));
      const counts = await countCalls(home, ["readdir"], () => two.collectIfDue());
      assert.equal(counts.get("readdir") ?? 0, 0);
      await utimes(stamp, 1, 1);
      const due = await countCalls(home, ["readdir"], () => two.collectIfDue());
      assert.ok((due.get("readdir") ?? 0) > 3);
    }));

  it("works alone: a second one is refused, or leaves it at that", () =>
    inFolder(async (home) => {
      const { collector, root, locks } = deskOf(home);
      await collector.alone(async () => {
        await assert.rejects(deskOf(home, locks).desk.collect(), { code: "AGENT_LOCKED" });
        await deskOf(home, locks).collector.collectIfDue();
        assert.deepEqual(await readdir(root), ["collector.lock"]);
      });
      await deskOf(home, locks).desk.collect();
    }));
});
