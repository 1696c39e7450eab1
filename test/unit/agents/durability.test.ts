import assert from "node:assert/strict";
import { cp, readdir, stat } from "node:fs/promises";
import path from "node:path";
import { AgentRig } from "../../support/agents/agentRig";
import { FakeLocks, inFolder } from "../../support/store/fakes";

describe("durability", function () {
  this.timeout(20_000);

  it("a process that dies in the middle of an answer leaves it interrupted, its beginning kept", () =>
    inFolder(async (home) => {
      const live = path.join(home, "live");
      const rig = new AgentRig(live, { maxAnswerTokens: 100 });
      const id = await rig.create();
      const snapshot = path.join(home, "dead process");
      let copying: Promise<void> | undefined;
      let steps = 0;
      rig.runner.beforeStep = async () => {
        steps += 1;
        rig.clock.advance(50);
        await rig.disk.settled();
        if (steps !== 60) return;
        // Commits under way end before the next step is allowed: then the folder is what a kill leaves.
        await new Promise((resolve) => setTimeout(resolve, 100));
        copying = cp(live, snapshot, { recursive: true });
        await copying;
      };
      const whole = await rig.ask(id, "Hello");
      assert.ok(copying);
      const next = new AgentRig(snapshot, { locks: new FakeLocks() });
      const turn = (await next.agents.get(id)).turns[0];
      assert.equal(turn?.state, "interrupted");
      assert.ok((turn?.answer.length ?? 0) >= 32);
      assert.ok(whole.text.startsWith(turn?.answer ?? "none"));
      const done = await next.ask(id, "Go on");
      assert.equal(done.finishReason, "length");
      const detail = await next.agents.get(id);
      assert.deepEqual(
        detail.turns.map(({ state }) => state),
        ["interrupted", "done"],
      );
      const { entries } = await next.store.read(id);
      const sampled = entries.filter((entry) => entry.body["type"] === "answer" && entry.body["turn"] === "t1");
      const ids = sampled.flatMap((entry) => [...entry.tokens]);
      assert.deepEqual(ids, whole.tokenIds.slice(0, ids.length));
    }));

  it("a full disk before the message is committed refuses it and keeps the agent as it was", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      await rig.ask(id, "One");
      rig.disk.full = true;
      await assert.rejects(rig.agents.send(id, { text: "Two" }), { code: "DISK_FULL" });
      assert.equal((await rig.agents.get(id)).turns.length, 1);
      assert.equal((await rig.agents.get(id)).state, "idle");
      rig.disk.full = false;
      await rig.ask(id, "Two");
      assert.deepEqual(
        (await rig.agents.get(id)).turns.map((turn) => turn.user),
        ["One", "Two"],
      );
    }));

  it("a disk that fills during the answer loses nothing: the turn says so and the next save has it", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      const running = await rig.agents.send(id, { text: "Hello" });
      rig.disk.full = true;
      const done = await running.done;
      assert.equal(done.saveError?.code, "DISK_FULL");
      await assert.rejects(rig.agents.save(id), { code: "DISK_FULL" });
      assert.equal((await rig.lastTurn(id)).saveError?.code, "DISK_FULL");
      rig.disk.full = false;
      await rig.agents.save(id);
      assert.equal((await rig.lastTurn(id)).saveError, undefined);
      await rig.agents.close();
      const turn = await new AgentRig(home).lastTurn(id);
      assert.deepEqual([turn.state, turn.answer], ["done", done.text]);
    }));

  it("a disk too full for blocks keeps the transcript, and the blocks follow later", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      rig.files.writeError = Object.assign(new Error("no space"), { code: "DISK_FULL" });
      const running = await rig.agents.send(id, { text: "Hello" });
      const done = await running.done;
      assert.equal(done.saveError, undefined);
      await assert.rejects(rig.agents.save(id), { code: "DISK_FULL" });
      assert.equal((await rig.lastTurn(id)).saveError?.code, "DISK_FULL");
      rig.files.writeError = undefined;
      const summary = await rig.agents.save(id);
      assert.ok(summary.diskTokens > 0);
      await rig.agents.close();
      assert.equal((await new AgentRig(home).ask(id, "And?")).figures.cache.tier, "warm");
    }));
});

describe("room in the pool", function () {
  this.timeout(20_000);

  it("on disk is counted with the partial last block's file", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      await rig.ask(id, "Hello, this is a message of some length!");
      const names = (await readdir(home, { recursive: true })).filter((name) => name.endsWith(".safetensors"));
      const sizes = await Promise.all(names.map(async (name) => (await stat(path.join(home, name))).size));
      assert.ok(names.some((name) => path.basename(name).startsWith("tail-")));
      assert.equal(
        (await rig.agents.list())[0]?.diskBytes,
        sizes.reduce((sum, size) => sum + size, 0),
      );
    }));

  it("comes from the agent that was idle longest, saved before it leaves", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home, { totalBlocks: 40 });
      const ids = [await rig.create("A"), await rig.create("B"), await rig.create("C")];
      for (const id of ids) await rig.ask(id, `I am ${id} and this is a message of some length`);
      const tiers = new Map((await rig.agents.list()).map((agent) => [agent.name, agent.tier]));
      assert.equal(tiers.get("A"), "warm");
      assert.equal(tiers.get("C"), "hot");
      const { figures } = await rig.ask(ids[0] ?? "", "Still there?");
      assert.equal(figures.cache.tier, "warm");
      assert.equal(figures.cache.refused, undefined);
      rig.session.engine.assertInvariants();
    }));

  it("lets agents that answer together wait for each other rather than fail", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home, { totalBlocks: 24 });
      const ids = [await rig.create("A"), await rig.create("B"), await rig.create("C")];
      const running = await Promise.all(ids.map((id) => rig.agents.send(id, { text: `Hello, I am agent ${id}` })));
      const done = await Promise.all(running.map((answer) => answer.done));
      assert.deepEqual(
        done.map(({ finishReason }) => finishReason),
        ["length", "length", "length"],
      );
    }));
});

describe("names", () => {
  it("change while an answer runs, and a change that cannot be saved costs the answer nothing", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home, { maxAnswerTokens: 60 });
      const id = await rig.create();
      const running = await rig.agents.send(id, { text: "Hello" });
      await rig.agents.rename(id, "Bea");
      rig.disk.full = true;
      await assert.rejects(rig.agents.rename(id, "Cleo"), { code: "DISK_FULL" });
      rig.disk.full = false;
      const done = await rig.over(id, running);
      await rig.agents.close();
      const next = new AgentRig(home);
      assert.equal((await next.agents.get(id)).name, "Bea");
      assert.equal((await next.lastTurn(id)).answer, done.text);
      await assert.rejects(next.agents.rename(id, "  "), { code: "INVALID_REQUEST" });
    }));
});
