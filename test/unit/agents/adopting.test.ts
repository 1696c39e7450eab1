import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import path from "node:path";
import type { ToolSpec } from "../../../src/common/tools";
import { AgentRig } from "../../support/agents/agentRig";
import { killedHomes } from "../../support/agents/killedHomes";
import { FakeLocks, inFolder } from "../../support/store/fakes";

const look: ToolSpec = {
  name: "look",
  description: "Looks at a place.",
  parameters: { type: "object", properties: {} },
};

/** An agent of two turns, and a fork of it with two more. */
async function forked(home: string, locks?: FakeLocks, text = "A question that is longer than a block") {
  const rig = new AgentRig(home, { ...(locks && { locks }) });
  const id = await rig.create("Ada", "Be brief");
  await rig.ask(id, "One");
  await rig.ask(id, "Two");
  const fork = (await rig.agents.fork(id, "Bea")).id;
  await rig.ask(fork, text);
  await rig.ask(fork, "And more");
  return { rig, id, fork };
}

describe("a branch of a fork that is taken over", function () {
  this.timeout(20_000);

  it("has the fork's turns with their ids, figures and times, behind what both have", () =>
    inFolder(async (home) => {
      const { rig, id, fork } = await forked(home);
      await rig.ask(id, "Three");
      const before = await rig.agents.get(id);
      const theirs = await rig.agents.get(fork);
      const last = await rig.agents.adoptBranch(id, fork);
      assert.equal(last, "t5");
      const after = await rig.agents.get(id);
      assert.deepEqual(after.turns, before.turns, "the head stays");
      await rig.agents.rewind(id, last);
      const { turns, turnCount, tokens } = await rig.agents.get(id);
      const content = ({ id: _, parent: __, ...turn }: (typeof turns)[number]) => turn;
      assert.deepEqual(turns.map(content), theirs.turns.map(content));
      assert.deepEqual([turnCount, tokens], [4, theirs.tokens]);
      assert.deepEqual(
        turns.map((turn) => turn.id),
        ["t1", "t2", "t4", "t5"],
      );
    }));

  it("is read no more when it is the head and goes on, also when the fork is deleted at once", () =>
    inFolder(async (home) => {
      const { rig, id, fork } = await forked(home);
      await rig.ask(id, "Three");
      const { tokens } = await rig.agents.get(fork);
      await rig.agents.adoptBranch(id, fork, { asHead: true });
      await rig.agents.delete(fork);
      assert.equal((await rig.agents.get(id)).tokens, tokens);
      const { figures } = await rig.ask(id, "Go on");
      assert.equal(figures.cache.tier, "hot");
      assert.ok(figures.reusedTokens >= tokens, `${figures.reusedTokens} of ${tokens}`);
    }));

  it("is read no more after a restart, without the fork", () =>
    inFolder(async (home) => {
      const locks = new FakeLocks();
      const { rig, id, fork } = await forked(home, locks);
      await rig.ask(id, "Three");
      const { tokens } = await rig.agents.get(fork);
      await rig.agents.close();
      const second = new AgentRig(home, { locks });
      await second.agents.adoptBranch(id, fork, { asHead: true });
      await second.agents.save(id);
      await second.agents.delete(fork);
      await second.agents.close();
      const third = new AgentRig(home, { locks });
      const { figures } = await third.ask(id, "Go on");
      assert.equal(figures.cache.tier, "warm");
      assert.equal(figures.cache.refused, undefined);
      assert.ok(
        figures.reusedTokens >= tokens - 1,
        `${figures.reusedTokens} of ${tokens}: the last was said, not read`,
      );
    }));

  it("keeps its blocks on disk where it is not the head: only what did not fill a block is read again", () =>
    inFolder(async (home) => {
      const locks = new FakeLocks();
      const { rig, id, fork } = await forked(home, locks);
      const { tokens } = await rig.agents.get(fork);
      const last = await rig.agents.adoptBranch(id, fork);
      await rig.agents.delete(fork);
      await rig.agents.close();
      const later = new AgentRig(home, { locks });
      await later.agents.rewind(id, last);
      const { figures } = await later.ask(id, "Go on");
      assert.ok(figures.reusedTokens > tokens - 5, `${figures.reusedTokens} of ${tokens}`);
    }));

  it("is adopted once: again it is found, by its content", () =>
    inFolder(async (home) => {
      const { rig, id, fork } = await forked(home);
      const first = await rig.agents.adoptBranch(id, fork);
      const { branchCount } = await rig.agents.get(id);
      assert.equal(await rig.agents.adoptBranch(id, fork), first);
      assert.equal(await rig.agents.adoptBranch(id, fork, { asHead: true }), first);
      const { turns, branchCount: count } = await rig.agents.get(id);
      assert.deepEqual([turns.at(-1)?.id, turns.length], [first, 4]);
      assert.ok(count <= branchCount);
      await rig.ask(fork, "Once more");
      const more = await rig.agents.adoptBranch(id, fork, { asHead: true });
      assert.deepEqual([more, (await rig.agents.get(id)).turnCount], ["t5", 5]);
    }));

  it("may begin at the first message: ways of it become branches, one of them the head", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      const ways = [1, 2].map(() => rig.agents.fork(id, "Way", undefined, { delegateOf: id }));
      const forks = await Promise.all(ways);
      const all = [id, ...forks.map((fork) => fork.id)];
      const running = await Promise.all(
        all.map((way, i) => rig.agents.send(way, { text: "Hello", sampling: { temperature: 1, seed: i } })),
      );
      const answers = await Promise.all(running.map(({ done }) => done));
      assert.equal(new Set(answers.map(({ text }) => text)).size, 3);
      await rig.agents.adoptBranch(id, forks[0]?.id ?? "");
      await rig.agents.adoptBranch(id, forks[1]?.id ?? "", { asHead: true });
      for (const fork of forks) await rig.agents.delete(fork.id);
      const { turns, branches } = await rig.agents.get(id);
      assert.deepEqual([turns.length, turns[0]?.answer], [1, answers[2]?.text]);
      assert.deepEqual(
        branches.map(({ answer, current }) => [answer, current]),
        [
          [answers[0]?.text, false],
          [answers[1]?.text, false],
          [answers[2]?.text, true],
        ],
      );
      const { figures } = await rig.ask(id, "Go on");
      assert.equal(figures.cache.tier, "hot");
    }));

  it("keeps steps, calls that wait, and what failed", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home, { callAfter: 2 });
      const { id } = await rig.agents.create({ name: "Ada", tools: [look] });
      await rig.ask(id, "What is there?");
      const fork = (await rig.agents.fork(id, "Bea")).id;
      for (const text of ["a tree", "a bird"]) {
        const call = (await rig.lastTurn(fork)).calls?.[0]?.id ?? "";
        await rig.over(fork, await rig.agents.sendResults(fork, { results: [{ call, text }] }));
      }
      await rig.agents.adoptBranch(id, fork, { asHead: true });
      const { turns, turnCount, waitsFor } = await rig.agents.get(id);
      assert.deepEqual([turns.length, turnCount, waitsFor], [3, 1, 1]);
      const { turns: theirs } = await rig.agents.get(fork);
      assert.deepEqual(
        turns.map(({ calls, results }) => [calls, results]),
        theirs.map(({ calls, results }) => [calls, results]),
      );
      const call = turns.at(-1)?.calls?.[0]?.id ?? "";
      await rig.over(id, await rig.agents.sendResults(id, { results: [{ call, text: "a stone" }] }));
    }));

  it("is refused, with nothing changed, for agents that have nothing in common, other models, and itself", () =>
    inFolder(async (home) => {
      const { rig, id, fork } = await forked(home);
      const stranger = await rig.create("Eve");
      await assert.rejects(rig.agents.adoptBranch(id, stranger), { code: "INVALID_REQUEST" });
      await rig.ask(stranger, "Hello");
      const before = await rig.agents.get(id);
      await assert.rejects(rig.agents.adoptBranch(id, stranger), /no fork of Ada: they have no turn in common/);
      await assert.rejects(rig.agents.adoptBranch(id, id), { code: "INVALID_REQUEST" });
      await assert.rejects(rig.agents.adoptBranch(id, "0123456789abcdef"), { code: "AGENT_NOT_FOUND" });
      const other = await rig.agents.copyWithModel(id, "Cem", "/models/other");
      await assert.rejects(rig.agents.adoptBranch(id, other.id), { code: "MODEL_MISMATCH" });
      assert.deepEqual(await rig.agents.get(id), before);
      const empty = await rig.create("Dan");
      const delegate = await rig.agents.fork(empty, "Helper", undefined, { delegateOf: empty });
      await assert.rejects(rig.agents.adoptBranch(empty, delegate.id), /no turn yet/);
      assert.equal(await rig.agents.adoptBranch(fork, id), "t2", "nothing new: where the two part");
    }));

  it("is refused while either of the two answers, and of a fork that another process has or that is damaged", () =>
    inFolder(async (home) => {
      const locks = new FakeLocks();
      const { rig, id, fork } = await forked(home, locks);
      for (const busy of [id, fork]) {
        const running = await rig.agents.send(busy, { text: "Wait", sampling: { maxTokens: 100 } });
        await assert.rejects(rig.agents.adoptBranch(id, fork), { code: "AGENT_BUSY" });
        running.abort();
        await rig.over(busy, running);
      }
      await rig.agents.close();
      const elsewhere = new AgentRig(home, { locks });
      await elsewhere.agents.warm(fork);
      const later = new AgentRig(home, { locks });
      await assert.rejects(later.agents.adoptBranch(id, fork), { code: "AGENT_LOCKED" });
      await assert.rejects(later.agents.adoptBranch(fork, id), { code: "AGENT_LOCKED" });
      await elsewhere.agents.close();
      await rm(path.join(home, "agents", fork, "turns.log"));
      await assert.rejects(later.agents.adoptBranch(id, fork), { code: "AGENT_CORRUPT" });
      await later.agents.close();
    }));

  it("is whole or not there when the disk is full or the process is killed between any two writes", () =>
    inFolder(async (home) => {
      const live = path.join(home, "live");
      const { rig, id, fork } = await forked(live);
      const before = await rig.agents.get(id);
      rig.disk.full = true;
      await assert.rejects(rig.agents.adoptBranch(id, fork, { asHead: true }), { code: "DISK_FULL" });
      rig.disk.full = false;
      assert.deepEqual((await rig.agents.get(id)).turns, before.turns);
      const snapshots = killedHomes(rig, home, live);
      await rig.agents.adoptBranch(id, fork, { asHead: true });
      await rig.agents.save(id);
      await rig.agents.close();
      const whole = (await rig.agents.get(id)).turns;
      assert.ok(snapshots.length > 2, `${snapshots.length} writes`);
      const lengths = new Set<number>();
      for (const snapshot of snapshots) {
        const next = new AgentRig(snapshot, { locks: new FakeLocks() });
        const { turns, damage } = await next.agents.get(id);
        assert.equal(damage, undefined);
        assert.deepEqual(turns, whole.slice(0, turns.length));
        lengths.add(turns.length);
        assert.equal((await next.agents.get(fork)).turns.length, 4);
        assert.equal((await next.agents.adoptBranch(id, fork, { asHead: true })).length > 0, true);
        assert.equal((await next.agents.get(id)).turns.length, 4);
        await next.agents.close();
        await rm(snapshot, { recursive: true, force: true, maxRetries: 10 });
      }
      assert.deepEqual([...lengths].sort(), [2, 4]);
    }));
});
