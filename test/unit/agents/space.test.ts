import assert from "node:assert/strict";
import { ResidentError } from "../../../src/common/errors";
import { AgentRig, type RigOptions, record } from "../../support/agents/agentRig";
import { gate } from "../../support/agents/gate";
import { FakeLocks, inFolder } from "../../support/store/fakes";

const long = "Tell me of the harbour and of all the ships that lie in it this morning";
/** As long, and without a block in common. */
const other = [...long].reverse().join("");

async function until(condition: () => boolean): Promise<void> {
  for (let turns = 0; !condition(); turns += 1) {
    assert.ok(turns < 3_000, "it never came");
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** A home in which an agent has a saved conversation, and another process that has it on disk only. */
async function withSavedAgent(home: string, options: RigOptions, text = long): Promise<{ rig: AgentRig; id: string }> {
  const before = new AgentRig(home);
  const id = await before.create("saved");
  await before.ask(id, text);
  await before.agents.close();
  return { rig: new AgentRig(home, options), id };
}

describe("Blocks for agents", function () {
  this.timeout(20_000);

  it("lets no message wait for ever for a cache that was being restored when it came", () =>
    inFolder(async (home) => {
      const { rig, id } = await withSavedAgent(home, { totalBlocks: 30 });
      const reads = gate();
      rig.files.beforeRead = () => reads.passed.then(() => undefined);
      const warmed = rig.agents.warm(id);
      await until(() => rig.files.reads > 0);
      const running = await rig.agents.send(await rig.create("other", "another one"), { text: other });
      await until(() => record(running).some(({ type }) => type === "queued"));
      reads.open();
      assert.notEqual((await running.done).finishReason, "aborted");
      await warmed;
      await rig.agents.close();
    }));

  it("goes on with the younger of two answers when the older one, which had the blocks, is stopped", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home, { totalBlocks: 62, maxAnswerTokens: 60 });
      const ids = [await rig.create("older"), await rig.create("younger", "another one")];
      const sent = gate();
      let wereTwo = false;
      rig.runner.beforeStep = async () => {
        await sent.passed;
        const rows = rig.runner.batches.at(-1)?.rows.length ?? 0;
        if (wereTwo && rows === 1) older.abort();
        wereTwo ||= rows === 2;
      };
      const older = await rig.agents.send(ids[0] ?? "", { text: long });
      const younger = await rig.agents.send(ids[1] ?? "", { text: other });
      const { engine } = rig.session;
      await until(() => engine.metricsSnapshot().numRequestsRunning + engine.numWaiting === 2);
      sent.open();
      assert.equal((await older.done).finishReason, "aborted");
      assert.equal((await younger.done).tokenIds.length, 60);
      await rig.agents.close();
    }));

  it("leaves a running answer the blocks to its end when a read-ahead restores", () =>
    inFolder(async (home) => {
      const { rig, id } = await withSavedAgent(home, { totalBlocks: 40, maxAnswerTokens: 60 });
      const [reads, steps] = [gate(), gate()];
      rig.files.beforeRead = () => reads.passed;
      let numSteps = 0;
      rig.runner.beforeStep = async () => {
        numSteps += 1;
        if (numSteps > 6) await steps.passed;
      };
      const running = await rig.agents.send(await rig.create("other", "another one"), { text: "Hello" });
      await until(() => record(running).some(({ type }) => type === "text"));
      const warmed = rig.agents.warm(id);
      await until(() => rig.files.reads > 0);
      steps.open();
      // The restore still has its blocks when the answer ends.
      assert.equal((await running.done).tokenIds.length, 60);
      assert.equal(rig.session.engine.metricsSnapshot().numPreemptions, 0);
      reads.open();
      await warmed;
      await rig.agents.close();
    }));

  it("waits with a restore that an answer needs until there are blocks, instead of reading all of it again", () =>
    inFolder(async (home) => {
      const { rig, id } = await withSavedAgent(home, { totalBlocks: 46, maxAnswerTokens: 60 });
      const running = await rig.agents.send(await rig.create("other", "another one"), { text: other });
      await until(() => record(running).some(({ type }) => type === "text"));
      const { figures } = await rig.ask(id, "And now?", { maxTokens: 2 });
      assert.ok(figures.reusedTokens > long.length, `${figures.reusedTokens} tokens were reused`);
      assert.equal((await running.done).tokenIds.length, 60);
      await rig.agents.close();
    }));

  it("hears a stop while a cache is restored, and keeps what was restored by then", () =>
    inFolder(async (home) => {
      const { rig, id } = await withSavedAgent(home, {}, long.repeat(3));
      const reads = gate();
      rig.files.beforeRead = () => reads.passed.then(() => undefined);
      const running = await rig.agents.send(id, { text: "Go on" });
      await until(() => rig.files.reads > 0);
      running.abort();
      reads.open();
      assert.equal((await running.done).finishReason, "aborted");
      assert.ok(rig.files.reads <= 8, `${rig.files.reads} files were read`);
      assert.ok((await rig.agents.get(id)).hotTokens > 0);
      await rig.agents.close();
    }));

  it("loses no block when the device fails during a restore", () =>
    inFolder(async (home) => {
      const { rig, id } = await withSavedAgent(home, {});
      const reads = gate();
      rig.files.beforeRead = () => reads.passed.then(() => undefined);
      const restoring = await rig.agents.send(id, { text: "Go on" });
      await until(() => rig.files.reads > 0);
      const error = new ResidentError("NATIVE_FAILURE", "the device is gone", "none", { contents: "unknown" });
      rig.runner.failNext = { in: "run", error };
      const failing = await rig.agents.send(await rig.create("other", "another one"), { text: "Hello" });
      await assert.rejects(failing.done, { code: "NATIVE_FAILURE" });
      reads.open();
      await assert.rejects(restoring.done, { code: "NATIVE_FAILURE" });
      assert.equal(rig.session.engine.pool.referencedBlocks, 0);
      await rig.agents.close();
    }));
});

describe("A read-ahead without a draft", () => {
  it("renders the next prompt too, also where the cache is hot: the first message waits for its own text only", () =>
    inFolder(async (home) => {
      const { rig, id } = await withSavedAgent(home, {});
      await rig.agents.warm(id);
      await rig.agents.warm(id);
      assert.deepEqual(rig.renderedAhead, ["", ""]);
      await rig.agents.close();
    }));
});

describe("A fork", () => {
  it("shares all of a cache that is being read ahead at the moment", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      const { figures } = await rig.ask(id, long);
      const step = gate();
      rig.runner.beforeStep = () => step.passed;
      const warmed = rig.agents.warm(id, "A long draft of what comes next");
      await until(() => rig.session.engine.metricsSnapshot().numRequestsRunning > 0);
      const forked = rig.agents.fork(id, "Fork");
      await new Promise((resolve) => setTimeout(resolve, 20));
      step.open();
      const fork = await forked;
      await warmed;
      const read = figures.promptTokens + figures.generatedTokens;
      assert.ok(fork.hotTokens >= read - 1, `${fork.hotTokens} of ${read} tokens are shared`);
      await rig.agents.close();
    }));
});

describe("Locks of agents", function () {
  this.timeout(20_000);

  it("go when an agent is idle and no panel shows it, and another process goes on with it", () =>
    inFolder(async (home) => {
      const locks = new FakeLocks();
      const rig = new AgentRig(home, { locks, lockGraceMs: 5 });
      const id = await rig.create();
      const left = gate();
      rig.agents.onEvent((event) => {
        if (event.type === "changed" && event.summary.tier === "warm" && event.summary.state === "idle") left.open();
      });
      rig.agents.setShown(id, true);
      await rig.ask(id, "Hello");
      const other = new AgentRig(home, { locks });
      await new Promise((resolve) => setTimeout(resolve, 40));
      await assert.rejects(other.agents.send(id, { text: "And I?" }), { code: "AGENT_LOCKED" });
      rig.agents.setShown(id, false);
      await left.passed;
      const { figures } = await other.ask(id, "And I?");
      assert.ok(figures.reusedTokens > 0);
      await other.agents.close();
      const done = await rig.ask(id, "And now?");
      assert.ok(done.figures.reusedTokens > figures.reusedTokens);
      assert.equal((await rig.agents.get(id)).turns.length, 3);
      await rig.agents.close();
    }));

  it("stay while the agent answers and while something of it cannot be saved", () =>
    inFolder(async (home) => {
      const locks = new FakeLocks();
      const rig = new AgentRig(home, { locks, lockGraceMs: 1 });
      const id = await rig.create();
      const running = await rig.agents.send(id, { text: "Hello" });
      rig.disk.full = true;
      await running.done;
      const other = new AgentRig(home, { locks });
      await new Promise((resolve) => setTimeout(resolve, 60));
      await assert.rejects(other.agents.send(id, { text: "And I?" }), { code: "AGENT_LOCKED" });
      rig.disk.full = false;
      await until(() => locks.process().tryLock(`${home}/agents/${id}/lock`) !== undefined);
      assert.equal((await rig.agents.get(id)).turns.at(-1)?.state, "done");
      await other.agents.close();
      await rig.agents.close();
    }));
});

describe("A delete that fails", () => {
  it("leaves the agent as it was: what is said afterwards is saved", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      await rig.ask(id, "Hello");
      const { remove } = rig.store;
      rig.store.remove = () => Promise.reject(new ResidentError("IO_FAILURE", "the folder is busy", "try again"));
      await assert.rejects(rig.agents.delete(id), { code: "IO_FAILURE" });
      rig.store.remove = remove;
      let saved = 0;
      rig.agents.onEvent(({ type }) => {
        if (type === "saved") saved += 1;
      });
      await (await rig.agents.send(id, { text: "Are you there?" })).done;
      await until(() => saved > 0);
      await rig.agents.close();
      const after = new AgentRig(home);
      assert.equal((await after.agents.get(id)).turns.length, 2);
      assert.equal((await after.agents.get(id)).tier, "warm");
      await after.agents.close();
    }));
});
