import assert from "node:assert/strict";
import { cp } from "node:fs/promises";
import path from "node:path";
import { RunFollower, type RunUpdate } from "../../../src/extension/pages/runFollower";
import { AgentRig, lettersOf, record } from "../../support/agents/agentRig";
import { FakeGrammar } from "../../support/engine/fakeGrammar";
import { FakeLocks, inFolder } from "../../support/store/fakes";

const sampled = { temperature: 1, seed: 5, repetitionPenalty: 1.3, frequencyPenalty: 0.2 };

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at);

describe("an answer that was cut", function () {
  this.timeout(20_000);

  it("goes on as if it had never been cut, and reads one token", () =>
    inFolder(async (home) => {
      const whole = new AgentRig(`${home}/whole`);
      const unbroken = await whole.ask(await whole.create(), "Hello", { ...sampled, maxTokens: 40 });
      const rig = new AgentRig(home);
      const id = await rig.create();
      const first = await rig.ask(id, "Hello", { ...sampled, maxTokens: 15 });
      assert.equal(first.finishReason, "length");
      const running = await rig.agents.continueAnswer(id, { ...sampled, maxTokens: 25 });
      const rest = await rig.over(id, running);
      assert.equal(first.text + rest.text, unbroken.text);
      assert.deepEqual([...first.tokenIds, ...rest.tokenIds], unbroken.tokenIds);
      const { promptTokens, reusedTokens, prefilledTokens, generatedTokens, cache } = rest.figures;
      assert.equal(promptTokens, first.figures.promptTokens + 15);
      assert.deepEqual([reusedTokens, prefilledTokens, generatedTokens], [promptTokens - 1, 1, 25]);
      assert.equal(cache.tier, "hot");
      const { turns, branches, tokens } = await rig.agents.get(id);
      assert.deepEqual([turns.length, branches.length, tokens], [1, 0, promptTokens + 25]);
      assert.deepEqual([turns[0]?.answer, turns[0]?.state], [unbroken.text, "done"]);
      assert.deepEqual(turns[0]?.figures, rest.figures);
    }));

  it("is the answer that the next message follows, in another process too", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      await rig.ask(id, "Hello", { maxTokens: 5 });
      await rig.over(id, await rig.agents.continueAnswer(id));
      const { answer } = await rig.lastTurn(id);
      assert.equal(answer.length, 13);
      await rig.agents.close();
      const other = new AgentRig(home);
      assert.equal((await other.lastTurn(id)).answer, answer);
      const { figures } = await other.ask(id, "And?");
      assert.ok(figures.prefilledTokens < figures.reusedTokens);
      assert.ok(figures.promptTokens > 13);
    }));

  it("goes on without a grammar where the tools of now would not have let it begin", () =>
    inFolder(async (home) => {
      const first = range(0, 60);
      const second = range(60, 120);
      const grammars = { first: new FakeGrammar([first]), second: new FakeGrammar([second]) };
      const rig = new AgentRig(home, { grammars });
      const tool = (name: string) => [{ name, description: "" }];
      const id = await rig.create();
      await rig.agents.setTools(id, tool("first"));
      const begun = await rig.ask(id, "Hello", { maxTokens: 5 });
      assert.ok(begun.tokenIds.length === 5 && begun.tokenIds.every((token) => first.includes(token)));
      const held = await rig.over(id, await rig.agents.continueAnswer(id, { maxTokens: 5 }));
      assert.ok(held.tokenIds.length === 5 && held.tokenIds.every((token) => first.includes(token)));
      await rig.agents.setTools(id, tool("second"));
      const free = await rig.over(id, await rig.agents.continueAnswer(id, { maxTokens: 5 }));
      assert.equal(free.tokenIds.length, 5);
      assert.equal(free.figures.promptTokens, held.figures.promptTokens + 5);
      assert.equal(rig.runner.batches.at(-1)?.rows[0]?.constraint, undefined);
      assert.equal((await rig.lastTurn(id)).answer, begun.text + held.text + free.text);
      const next = await rig.ask(id, "And?", { maxTokens: 5 });
      assert.ok(next.tokenIds.length === 5 && next.tokenIds.every((token) => second.includes(token)));
    }));

  it("that a person stopped goes on", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home, { maxAnswerTokens: 200 });
      const id = await rig.create();
      const running = await rig.agents.send(id, { text: "Hello" });
      await lettersOf(running, 5);
      running.abort();
      const stopped = await rig.over(id, running);
      const rest = await rig.over(id, await rig.agents.continueAnswer(id, { maxTokens: 10 }));
      assert.equal(rest.figures.prefilledTokens, 1);
      assert.equal((await rig.lastTurn(id)).answer, stopped.text + rest.text);
    }));

  it("by a kill goes on in the next process, with what was on disk by then", () =>
    inFolder(async (home) => {
      const live = path.join(home, "live");
      const dead = path.join(home, "dead process");
      const rig = new AgentRig(live);
      const id = await rig.create();
      await rig.ask(id, "Hello", { maxTokens: 40 });
      const { answer } = await rig.lastTurn(id);
      let steps = 0;
      rig.runner.beforeStep = async () => {
        steps += 1;
        rig.clock.advance(50);
        await rig.disk.settled();
        // By then a commit is due: the device waits until it is on disk.
        if (steps !== 60) return;
        while ((await new AgentRig(live).lastTurn(id)).answer === answer) {
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
        await cp(live, dead, { recursive: true });
      };
      const running = await rig.agents.continueAnswer(id, { maxTokens: 80 });
      const { text } = await rig.over(id, running);
      const next = new AgentRig(dead, { locks: new FakeLocks() });
      const left = await next.lastTurn(id);
      assert.equal(left.state, "interrupted");
      assert.ok(left.answer.startsWith(answer) && left.answer.length > answer.length);
      const rest = await next.over(id, await next.agents.continueAnswer(id, { maxTokens: 4 }));
      assert.equal(rest.figures.cache.tier, "warm");
      const whole = await next.lastTurn(id);
      assert.equal(whole.answer, left.answer + rest.text);
      assert.ok((answer + text).startsWith(whole.answer));
      assert.equal(whole.state, "done");
    }));

  it("runs while it goes on, and tells every listener what was said before, also a late one", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      const first = await rig.ask(id, "Hello");
      const running = await rig.agents.continueAnswer(id);
      assert.equal((await rig.lastTurn(id)).state, "running");
      assert.notEqual(running.id, `${id}/t1`);
      const live = record(running);
      const updates: RunUpdate[] = [];
      const follower = new RunFollower(running, (update) => updates.push(update));
      assert.equal(follower.state.text, first.text);
      const done = await running.done;
      follower.flush();
      assert.equal(follower.state.text, first.text + done.text);
      const deltas = updates.flatMap((update) => (update.type === "text" ? [update.delta] : []));
      assert.equal(deltas[0]?.offset, first.text.length);
      assert.equal(deltas.map(({ text }) => text).join(""), done.text);
      assert.deepEqual(live[0], { type: "continues", text: first.text });
      assert.deepEqual(record(running)[0], live[0]);
      follower.dispose();
    }));

  it("that a person stops again before anything is read keeps what it was", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      const first = await rig.ask(id, "Hello");
      let load = () => {};
      rig.loading = new Promise((resolve) => {
        load = resolve;
      });
      const running = await rig.agents.continueAnswer(id);
      running.abort();
      load();
      const done = await rig.over(id, running);
      assert.deepEqual([done.text, done.finishReason], ["", "aborted"]);
      const turn = await rig.lastTurn(id);
      assert.deepEqual([turn.answer, turn.finishReason, turn.figures], [first.text, "aborted", first.figures]);
    }));

  it("goes on in a copy where other turns follow it, so that they follow what they followed", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      const first = await rig.ask(id, "One");
      await rig.ask(id, "Two");
      await rig.agents.rewind(id, "t1");
      const rest = await rig.over(id, await rig.agents.continueAnswer(id));
      assert.equal(rest.figures.prefilledTokens, 1);
      const { turns, branches, turnCount } = await rig.agents.get(id);
      assert.deepEqual(
        turns.map(({ id: turn, user, answer }) => [turn, user, answer]),
        [["t3", "One", first.text + rest.text]],
      );
      assert.equal(turnCount, 1);
      assert.deepEqual(
        branches.map(({ turn, after, turns: count }) => [turn, after, count]),
        [
          ["t2", undefined, 2],
          ["t3", undefined, 1],
        ],
      );
      await rig.agents.rewind(id, "t2");
      assert.equal((await rig.agents.get(id)).turns[0]?.answer, first.text);
      const { figures } = await rig.ask(id, "Three");
      assert.ok(figures.reusedTokens > figures.prefilledTokens);
    }));

  it("goes on after a failure of the device, which is kept in the turn", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      const first = await rig.ask(id, "Hello");
      rig.runner.failNext = { in: "run", error: new Error("the device is gone") };
      await assert.rejects((await rig.agents.continueAnswer(id)).done, /the device is gone/);
      await rig.agents.save(id).catch(() => {});
      const failed = await rig.lastTurn(id);
      assert.deepEqual([failed.state, failed.answer], ["failed", first.text]);
      rig.runner.spoil();
      const rest = await rig.over(id, await rig.agents.continueAnswer(id));
      assert.equal((await rig.lastTurn(id)).answer, first.text + rest.text);
      assert.equal((await rig.lastTurn(id)).state, "done");
    }));

  it("that was kept when the conversation started over goes on", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      await rig.ask(id, "One");
      const last = await rig.ask(id, "Two");
      await rig.agents.startOver(id, 1);
      const rest = await rig.over(id, await rig.agents.continueAnswer(id));
      assert.equal((await rig.lastTurn(id)).answer, last.text + rest.text);
      const again = await rig.over(id, await rig.agents.continueAnswer(id));
      assert.equal(again.figures.prefilledTokens, 1);
    }));
});

describe("continuing is refused", function () {
  this.timeout(20_000);

  it("where there is no turn, none was answered, the agent answers, or the answer ended by itself", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      await assert.rejects(rig.agents.continueAnswer(id), { code: "INVALID_REQUEST" });
      const running = await rig.agents.send(id, { text: "Hello" });
      await assert.rejects(rig.agents.continueAnswer(id), { code: "AGENT_BUSY" });
      const { text } = await rig.over(id, running);
      await rig.over(id, await rig.agents.regenerate(id, undefined, { stop: [text.slice(2, 4)] }));
      const { finishReason, answer } = await rig.lastTurn(id);
      assert.equal(finishReason, "stop");
      await assert.rejects(rig.agents.continueAnswer(id), { code: "INVALID_REQUEST" });
      assert.equal((await rig.lastTurn(id)).answer, answer);
    }));

  it("with CONTEXT_FULL where the context has no room left", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home, { contextTokens: 64, maxAnswerTokens: 500 });
      const id = await rig.create();
      const done = await rig.ask(id, "Hello");
      assert.equal(done.figures.promptTokens + done.figures.generatedTokens, 64);
      await assert.rejects(rig.agents.continueAnswer(id), { code: "CONTEXT_FULL" });
      assert.equal((await rig.lastTurn(id)).answer, done.text);
    }));
});

describe("a message that takes the place of another", function () {
  this.timeout(20_000);

  it("reuses the cache before it, and the old branch stays", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      for (const text of ["One", "Two", "Three"]) await rig.ask(id, text);
      const before = (await rig.agents.get(id)).turns;
      const running = await rig.agents.send(id, { text: "Other", instead: "t2" });
      const { figures } = await rig.over(id, running);
      const { turns, branches } = await rig.agents.get(id);
      assert.deepEqual(
        turns.map(({ user, parent }) => [user, parent]),
        [
          ["One", undefined],
          ["Other", "t1"],
        ],
      );
      const read = "\n<user>Other\n<assistant>".length;
      assert.ok(figures.prefilledTokens <= read && figures.reusedTokens >= figures.promptTokens - read);
      const old = branches.filter(({ isEnd, current }) => isEnd && !current);
      assert.deepEqual(
        old.map(({ turn, after, turns: count }) => [turn, after, count]),
        [["t3", "t1", 2]],
      );
      await rig.agents.rewind(id, "t3");
      assert.deepEqual((await rig.agents.get(id)).turns, before);
    }));

  it("of the first turn begins the conversation anew; of a turn that is not there it is refused", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      await rig.ask(id, "One");
      await rig.over(id, await rig.agents.send(id, { text: "Other", instead: "t1" }));
      const { turns, branches } = await rig.agents.get(id);
      assert.deepEqual([turns.length, turns[0]?.user, branches.length], [1, "Other", 2]);
      await assert.rejects(rig.agents.send(id, { text: "None", instead: "t9" }), { code: "INVALID_REQUEST" });
    }));
});
