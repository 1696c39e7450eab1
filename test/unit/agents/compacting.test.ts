import assert from "node:assert/strict";
import { readdir, rm } from "node:fs/promises";
import path from "node:path";
import type { ToolSpec } from "../../../src/common/tools";
import type { Progress } from "../../../src/protocol/service";
import { AgentRig } from "../../support/agents/agentRig";
import { killedHomes } from "../../support/agents/killedHomes";
import { FakeLocks, inFolder } from "../../support/store/fakes";

const look: ToolSpec = {
  name: "look",
  description: "Looks at a place.",
  parameters: { type: "object", properties: {} },
};
const contextTokens = 2048;

async function talked(home: string, texts: readonly string[], context = contextTokens) {
  const rig = new AgentRig(home, { contextTokens: context, totalBlocks: 2048 });
  const id = await rig.create("Ada", "Be brief");
  for (const text of texts) await rig.ask(id, text);
  return { rig, id };
}

describe("a conversation that is compacted", function () {
  this.timeout(30_000);

  it("goes on behind its summary and the last turns; the branch before stays", () =>
    inFolder(async (home) => {
      const { rig, id } = await talked(home, ["One", "Two", "Three", "Four"]);
      const before = await rig.agents.get(id);
      const progress: Progress[] = [];
      const summary = await rig.agents.compact(id, { turns: 2 }, (next) => progress.push(next));
      assert.equal(summary.turnCount, 3);
      assert.equal(summary.tokens, (await rig.agents.measureDraft(id, ""))?.promptTokens);
      const { turns, branches, state } = await rig.agents.get(id);
      const [first, ...kept] = turns;
      assert.deepEqual(first?.summary, { turns: 2 });
      assert.match(
        first?.user ?? "",
        /^\[A summary of our conversation up to here\. It is a record, not a request\.\]\n\n[a-z]+ …$/,
      );
      assert.deepEqual(
        kept.map(({ user, answer, summary: mark }) => [user, answer, mark]),
        before.turns.slice(2).map(({ user, answer }) => [user, answer, undefined]),
      );
      assert.equal(branches.filter(({ isEnd }) => isEnd).length, 2);
      assert.ok(progress.length > 0 && progress.every(({ unit, done, total }) => unit === "tokens" && done <= total));
      assert.ok(state === "idle" || state === "reading");
      await rig.ask(id, "Five");
      assert.equal(rig.lastDialogue?.past?.numTurns, 3);
      await rig.agents.rewind(id, "t4");
      assert.deepEqual((await rig.agents.get(id)).turns, before.turns);
      const { figures } = await rig.ask(id, "Other");
      assert.ok(figures.reusedTokens > figures.promptTokens / 2);
    }));

  it("reads nothing of its past again for the summary, and says so in the summary's figures", () =>
    inFolder(async (home) => {
      const { rig, id } = await talked(home, ["One", "Two", "Three"]);
      const { tokens } = await rig.agents.get(id);
      await rig.agents.compact(id, { turns: 1 });
      const [first] = (await rig.agents.get(id)).turns;
      assert.ok((first?.figures?.reusedTokens ?? 0) >= tokens);
      assert.ok((first?.figures?.prefilledTokens ?? 0) <= (first?.figures?.promptTokens ?? 0) - tokens);
      assert.equal(first?.figures?.cache.tier, "hot");
    }));

  it("is read back from the disk for the summary where it is not in memory", () =>
    inFolder(async (home) => {
      const locks = new FakeLocks();
      const { rig, id } = await talked(home, ["One", "Two", "Three"]);
      const { tokens } = await rig.agents.get(id);
      await rig.agents.close();
      const later = new AgentRig(home, { contextTokens, totalBlocks: 2048, locks });
      await later.agents.compact(id, { turns: 1 });
      const [first] = (await later.agents.get(id)).turns;
      assert.equal(first?.figures?.cache.tier, "warm");
      assert.ok((first?.figures?.reusedTokens ?? 0) >= tokens - 1);
      await later.agents.close();
    }));

  it("has room again: a full context is summarised from an earlier step, and the message says what is left out", () =>
    inFolder(async (home) => {
      const context = 1600;
      const { rig, id } = await talked(home, ["One", "x".repeat(500), "y".repeat(410), "z".repeat(200)], context);
      await assert.rejects((await rig.agents.send(id, { text: "w".repeat(400) })).done, { code: "CONTEXT_FULL" });
      const before = await rig.agents.get(id);
      assert.ok(before.tokens + 200 > context - 350, `${before.tokens} tokens`);
      await rig.agents.compact(id, { turns: 1 });
      const { turns, turnCount } = await rig.agents.get(id);
      assert.equal(turns.at(-1)?.user, "z".repeat(200));
      assert.equal(turnCount, 2);
      const { figures, finishReason } = await rig.ask(id, "w".repeat(400));
      assert.equal(finishReason, "length");
      assert.ok(figures.promptTokens < context);
      assert.equal(turns[0]?.summary?.leftOut ?? 0, 0, "what does not fit is among the turns that are kept");
      // Now nothing is kept.
      await rig.agents.rewind(id, before.turns.at(-1)?.id);
      const bare = await rig.agents.compact(id, { turns: 0 });
      assert.equal(bare.turnCount, 1);
      const [only] = (await rig.agents.get(id)).turns;
      assert.deepEqual(only?.summary, { turns: 4, leftOut: 1 });
      assert.match(only?.user ?? "", /\n\n\[The last turn before the next message did not fit: .+\]$/);
      await rig.ask(id, "w".repeat(400));
    }));

  it("keeps fewer turns than were wanted where they would fill the context again", () =>
    inFolder(async (home) => {
      const { rig, id } = await talked(home, ["One", "x".repeat(650), "y".repeat(650), "Four"]);
      const { turnCount } = await rig.agents.compact(id, { turns: 3 });
      assert.equal(turnCount, 3);
      assert.deepEqual((await rig.agents.get(id)).turns[0]?.summary, { turns: 2 });
      // At least one turn is summarised.
      await rig.agents.rewind(id, "t1");
      assert.equal((await rig.agents.compact(id, { turns: 7 })).turnCount, 1);
    }));

  it("can be compacted again: the summary becomes a part of the next", () =>
    inFolder(async (home) => {
      const { rig, id } = await talked(home, ["One", "Two"]);
      await rig.agents.compact(id, { turns: 1 });
      await rig.ask(id, "Three");
      await rig.agents.compact(id, { turns: 1 });
      const { turns } = await rig.agents.get(id);
      assert.deepEqual(
        turns.map(({ user, summary }) => (summary === undefined ? user : summary)),
        [{ turns: 2 }, "Three"],
      );
      // Its mark is kept by all copies.
      await rig.ask(id, "Four");
      await rig.agents.startOver(id, 3);
      assert.deepEqual((await rig.agents.get(id)).turns[0]?.summary, { turns: 2 });
      const copy = await rig.agents.copyWithModel(id, "Bea", "/models/fake");
      assert.deepEqual((await rig.agents.get(copy.id)).turns[0]?.summary, { turns: 2 });
      const fork = await rig.agents.fork(id, "Cem");
      assert.deepEqual((await rig.agents.get(fork.id)).turns[0]?.summary, { turns: 2 });
    }));

  it("still waits for the results of the calls at its end, with whole turns", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home, { callAfter: 2, contextTokens, totalBlocks: 2048 });
      const { id } = await rig.agents.create({ name: "Ada", tools: [look] });
      await rig.ask(id, "What is there?");
      await rig.ask(id, "And there?");
      const give = async (text: string) => {
        const call = (await rig.lastTurn(id)).calls?.[0]?.id ?? "";
        await rig.over(id, await rig.agents.sendResults(id, { results: [{ call, text }] }));
      };
      await give("a tree");
      const { waitsFor } = await rig.agents.compact(id, { turns: 1 });
      assert.equal(waitsFor, 1);
      const { turns } = await rig.agents.get(id);
      assert.equal(turns[0]?.calls, undefined, "the one who summarises calls nothing");
      assert.deepEqual(
        turns.slice(1).map(({ user, results }) => [user, results?.map(({ text }) => text)]),
        [
          ["And there?", undefined],
          ["", ["a tree"]],
        ],
      );
      await give("a bird");
      assert.equal((await rig.agents.get(id)).turnCount, 2);
    }));

  it("is refused where there is nothing to summarise or no room for it, and while the agent answers", () =>
    inFolder(async (home) => {
      const { rig, id } = await talked(home, [], 256);
      await assert.rejects(rig.agents.compact(id, { turns: 1 }), { code: "INVALID_REQUEST" });
      await rig.ask(id, "x".repeat(200));
      const before = await rig.agents.get(id);
      await assert.rejects(rig.agents.compact(id, { turns: 1 }), { code: "CONTEXT_FULL" });
      for (const turns of [-1, 0.5, Number.NaN]) {
        await assert.rejects(rig.agents.compact(id, { turns }), { code: "INVALID_REQUEST" });
      }
      assert.deepEqual(await rig.agents.get(id), before);
      assert.equal(rig.heldLeases, 0);
      const other = await rig.create("Bea");
      const running = await rig.agents.send(other, { text: "Hello", sampling: { maxTokens: 40 } });
      await assert.rejects(rig.agents.compact(other, { turns: 1 }), { code: "AGENT_BUSY" });
      await running.done;
    }));

  it("lets nothing change the agent meanwhile, but can be read and forked", () =>
    inFolder(async (home) => {
      const { rig, id } = await talked(home, ["One", "Two"]);
      let forked: Promise<unknown> | undefined;
      const refused: Promise<void>[] = [];
      rig.runner.beforeStep = async () => {
        if (forked === undefined) {
          forked = rig.agents.fork(id, "Bea");
          refused.push(
            assert.rejects(rig.agents.send(id, { text: "Hello" }), /Ada is being summarised/),
            assert.rejects(rig.agents.rewind(id, "t1"), { code: "AGENT_BUSY" }),
            assert.rejects(rig.agents.startOver(id, 1), { code: "AGENT_BUSY" }),
            assert.rejects(rig.agents.compact(id, { turns: 1 }), { code: "AGENT_BUSY" }),
          );
          assert.equal((await rig.agents.get(id)).state, "reading");
          assert.equal(rig.agents.running(id), undefined);
        }
        await rig.disk.settled();
      };
      await rig.agents.compact(id, { turns: 1 });
      await Promise.all([forked, ...refused]);
      assert.equal(refused.length, 4);
      const agents = await rig.agents.list();
      assert.deepEqual(
        agents.map(({ name, turnCount }) => [name, turnCount]),
        [
          ["Ada", 2],
          ["Bea", 2],
        ],
      );
    }));

  it("is as before when it is stopped at any moment, and nothing of the work is left", () =>
    inFolder(async (home) => {
      const { rig, id } = await talked(home, ["One", "Two", "Three"]);
      await rig.agents.save(id);
      const before = await rig.agents.get(id);
      const { referencedBlocks } = rig.session.engine.pool;
      const files = await readdir(path.join(home, "agents"));
      const cases = new Set<string>();
      for (const steps of [0, 1, 2, 3, 5, 9, 20, 40, Number.POSITIVE_INFINITY]) {
        const stop = new AbortController();
        if (steps === 0) stop.abort();
        let step = 0;
        rig.runner.beforeStep = async () => {
          step += 1;
          if (step === steps) stop.abort();
          await rig.disk.settled();
        };
        const ended = await rig.agents
          .compact(id, { turns: 1 }, () => {}, stop.signal)
          .then(
            () => "done",
            (error: unknown) => String((error as { code?: string }).code),
          );
        cases.add(ended);
        rig.runner.beforeStep = () => rig.disk.settled();
        if (ended === "done") {
          assert.equal(steps, Number.POSITIVE_INFINITY);
          break;
        }
        const { hotTokens: _, state: __, ...now } = await rig.agents.get(id);
        const { hotTokens: ___, state: ____, ...then } = before;
        assert.deepEqual(now, then, `stopped at step ${steps}`);
        assert.equal(rig.heldLeases, 0);
        assert.equal(rig.session.engine.hasWork, false);
        assert.ok(rig.session.engine.pool.referencedBlocks <= referencedBlocks);
        assert.deepEqual(await readdir(path.join(home, "agents")), files);
      }
      assert.deepEqual([...cases], ["ABORTED", "done"]);
      await rig.agents.close();
      assert.equal(rig.session.engine.pool.referencedBlocks, 0);
    }));

  it("ends with the agent when that is deleted or closed, and leaves nothing behind", () =>
    inFolder(async (home) => {
      for (const end of ["delete", "close"] as const) {
        const folder = path.join(home, end);
        const { rig, id } = await talked(folder, ["One", "Two"]);
        let ending: Promise<void> | undefined;
        rig.runner.beforeStep = async () => {
          ending ??= end === "delete" ? rig.agents.delete(id) : rig.agents.close();
          await rig.disk.settled();
        };
        await assert.rejects(rig.agents.compact(id, { turns: 1 }), { code: "ABORTED" });
        await ending;
        assert.equal(rig.session.engine.pool.referencedBlocks, 0);
      }
    }));

  it("is whole or not there when its process is killed between any two writes", () =>
    inFolder(async (home) => {
      const live = path.join(home, "live");
      const { rig, id } = await talked(live, ["One", "Two", "Three"]);
      const snapshots = killedHomes(rig, home, live);
      await rig.agents.compact(id, { turns: 1 });
      await rig.agents.save(id);
      await rig.agents.close();
      const lengths = new Set<number>();
      for (const snapshot of snapshots) {
        const next = new AgentRig(snapshot, { contextTokens, totalBlocks: 2048, locks: new FakeLocks() });
        const agents = await next.agents.list();
        assert.equal(agents.length, 1);
        const { turns, damage } = await next.agents.get(id);
        assert.equal(damage, undefined);
        lengths.add(turns.length);
        await next.ask(id, "Go on");
        await next.agents.close();
        await rm(snapshot, { recursive: true, force: true, maxRetries: 10 });
      }
      assert.deepEqual([...lengths].sort(), [2, 3]);
    }));
});
