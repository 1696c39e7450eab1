import assert from "node:assert/strict";
import { ResidentError } from "../../../src/common/errors";
import type { Running } from "../../../src/protocol/service";
import { AgentRig } from "../../support/agents/agentRig";
import { Random } from "../../support/random";
import { FakeLocks, inFolder } from "../../support/store/fakes";

/** What a CONTEXT_FULL says. */
async function refusal(running: Running): Promise<ResidentError> {
  try {
    await running.done;
  } catch (error) {
    assert.ok(error instanceof ResidentError);
    assert.equal(error.code, "CONTEXT_FULL");
    return error;
  }
  return assert.fail("the message fits");
}

describe("the end of the context", function () {
  this.timeout(60_000);

  it("refuses an answer only where its prompt does not fit, whatever the longest answer is set to", () =>
    inFolder(async (home) => {
      const random = new Random("the end of the context");
      const between = (low: number, high: number) => low + random.below(high - low + 1);
      for (let run = 0; run < 12; run += 1) {
        const contextTokens = between(40, 400);
        const rig = new AgentRig(`${home}/${run}`, { contextTokens, maxAnswerTokens: between(1, 40_000) });
        const id = await rig.create();
        for (let turn = 0; turn < 6; turn += 1) {
          const text = "x".repeat(between(1, 120));
          const wanted = random.below(3) === 0 ? { maxTokens: between(1, 40_000) } : {};
          const size = await rig.agents.measureDraft(id, text);
          assert.ok(size);
          const running = await rig.agents.send(id, { text, sampling: wanted });
          if (size.promptTokens < contextTokens) {
            const { figures } = await rig.over(id, running);
            assert.equal(figures.promptTokens, size.promptTokens);
            assert.ok(figures.generatedTokens >= 1);
            assert.ok(figures.promptTokens + figures.generatedTokens <= contextTokens);
          } else {
            const { facts } = await refusal(running);
            assert.equal(facts["needed"], size.promptTokens + 1);
            assert.equal(facts["message"], text.length);
          }
        }
        await rig.agents.close();
      }
    }));

  it("is reached by an answer that nothing else ends", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home, { contextTokens: 128, maxAnswerTokens: 32_768 });
      const id = await rig.create();
      const { figures, finishReason } = await rig.ask(id, "hi");
      assert.equal(finishReason, "length");
      assert.equal(figures.promptTokens + figures.generatedTokens, 128);
    }));

  it("tells how long the message is and what there is room for", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home, { contextTokens: 96 });
      const id = await rig.create();
      await rig.ask(id, "Hello");
      const { tokens } = await rig.agents.get(id);
      const error = await refusal(await rig.agents.send(id, { text: "x".repeat(60) }));
      const { needed, context, kept, message, room, roomAlone, cause } = error.facts;
      assert.deepEqual([context, kept, message, cause], [96, tokens, 60, "room"]);
      assert.equal(Number(needed) - Number(context), 60 - Number(room));
      assert.equal(error.what.includes(`room for ${room}`), true);
      assert.ok(Number(room) > 0 && Number(roomAlone) >= 60);
      // A message with all the room that there is fits, and one that is longer by a token does not.
      const atMost = "x".repeat(Number(room));
      assert.equal((await refusal(await rig.agents.send(id, { text: `${atMost}x` }))).facts["room"], room);
      assert.equal((await rig.ask(id, atMost)).figures.generatedTokens, 1);
      const full = await refusal(await rig.agents.send(id, { text: "x" }));
      assert.deepEqual([full.facts["room"], full.facts["cause"]], [0, "history"]);
      assert.match(full.what, /no room for another message/);
      const alone = await refusal(await rig.agents.send(id, { text: "x".repeat(1000) }));
      assert.deepEqual([alone.facts["cause"], alone.facts["message"]], ["message", 1000]);
      assert.match(alone.what, /1,000 tokens/);
    }));

  it("keeps no message that does not fit: the head goes back, and nothing of it is a branch", () =>
    inFolder(async (home) => {
      const locks = new FakeLocks();
      const rig = new AgentRig(home, { contextTokens: 96, locks });
      const id = await rig.create();
      await refusal(await rig.agents.send(id, { text: "x".repeat(80) }));
      await rig.agents.save(id);
      const empty = await rig.agents.get(id);
      assert.deepEqual([empty.turns, empty.branches, empty.turnCount, empty.tokens], [[], [], 0, 0]);
      await rig.ask(id, "Hello");
      const before = await rig.agents.get(id);
      const events: string[] = [];
      rig.agents.onEvent((event) => events.push(event.type));
      await refusal(await rig.agents.send(id, { text: "x".repeat(80) }));
      await rig.agents.save(id);
      const facts = ({ turns, branches, branchCount, turnCount, tokens }: typeof before) => ({
        ...{ turns, branches, branchCount, turnCount, tokens },
      });
      assert.deepEqual(facts(await rig.agents.get(id)), facts(before));
      assert.ok(events.indexOf("changed", events.indexOf("turnEnded")) > 0);
      // One that takes the place of another goes back to where the head was.
      await refusal(await rig.agents.send(id, { text: "x".repeat(90), instead: before.turns[0]?.id ?? "" }));
      await rig.agents.save(id);
      assert.deepEqual(facts(await rig.agents.get(id)), facts(before));
      await rig.agents.close();
      const next = new AgentRig(home, { contextTokens: 96, locks });
      assert.deepEqual(facts(await next.agents.get(id)), facts(before));
      assert.equal((await next.ask(id, "Hi")).figures.cache.tier, "warm");
      assert.equal((await next.agents.get(id)).turns.length, 2);
    }));

  it("is told with numbers only", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home, { contextTokens: 64 });
      const { facts } = await refusal(await rig.agents.send(await rig.create(), { text: "x".repeat(99) }));
      for (const [name, value] of Object.entries(facts)) {
        assert.equal(typeof value, name === "cause" ? "string" : "number");
      }
    }));
});
