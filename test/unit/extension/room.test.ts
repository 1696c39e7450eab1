import assert from "node:assert/strict";
import { setImmediate as turnOfLoop } from "node:timers/promises";
import { EngineEndedError, ResidentError } from "../../../src/common/errors";
import { Room } from "../../../src/extension/room/room";
import type { RoomUpdate } from "../../../src/protocol/room";
import { FakeService, figures } from "../../support/extension/fakeService";

/** Long enough for every promise that is due. */
async function settle(): Promise<void> {
  for (let round = 0; round < 5; round++) await turnOfLoop();
}

async function roomOf(...names: readonly string[]) {
  const service = new FakeService();
  const ids: string[] = [];
  for (const name of names) ids.push((await service.createAgent({ name })).id);
  const stored = new Map<string, unknown>();
  const posted: RoomUpdate[] = [];
  const told: (readonly string[])[] = [];
  let written = 0;
  const open = () =>
    new Room({
      door: async () => service,
      post: (update) => posted.push(update),
      language: "en",
      memory: {
        get: (key) => stored.get(key),
        update: (key, value) => {
          written += 1;
          stored.set(key, structuredClone(value));
        },
      },
      changes: async () => [],
      onMembers: (ids) => told.push([...ids]),
      now: () => 1000,
    });
  const room = open();
  await room.setMembers(ids);
  const answers = (of: Room = room) => of.shown.at(-1)?.answers ?? [];
  const [first = "", second = ""] = ids;
  return { service, room, first, second, posted, answers, open, writes: () => written, told };
}

const selection = {
  kind: "selection",
  path: "src/a.ts",
  range: { from: 3, to: 4 },
  digest: "d1",
  text: "a\nb",
} as const;

describe("the room", () => {
  it("starts all answers before any of them is played", async () => {
    const { room, service, first, second, answers } = await roomOf("Ada", "Brian");
    await room.ask("hello", "all");
    assert.ok((await service.running(first)) && (await service.running(second)));
    assert.deepEqual(
      answers().map(({ turn }) => turn?.state),
      ["running", "running"],
    );
  });

  it("keeps answers side by side, each with its own text", async () => {
    const { room, service, first, second, answers } = await roomOf("Ada", "Brian");
    await room.ask("hello", "all");
    service.answerOf(second).answer("from Brian");
    service.answerOf(first).answer("from ", "Ada");
    await settle();
    assert.deepEqual(
      answers().map(({ turn }) => turn?.answer),
      ["from Ada", "from Brian"],
    );
    assert.equal(room.shown.at(-1)?.endedAt, 1000);
  });

  it("asks only those that are addressed, and for all only those that are included", async () => {
    const { room, second, answers } = await roomOf("Ada", "Brian");
    await room.ask("hello", [second]);
    assert.deepEqual(
      answers().map(({ name }) => name),
      ["Brian"],
    );
    await room.include(second, false);
    await room.ask("again", "all");
    assert.deepEqual(
      answers().map(({ name }) => name),
      ["Ada"],
    );
  });

  it("shows a member that another window has, or that is damaged, as not asked, also where there are only such", async () => {
    const { room, service, first, second, answers } = await roomOf("Ada", "Brian");
    service.change(first, { lockedElsewhere: true });
    await room.ask("hello", "all");
    assert.deepEqual(
      answers().map(({ name, refusal }) => [name, refusal?.error.code]),
      [
        ["Ada", "AGENT_LOCKED"],
        ["Brian", undefined],
      ],
    );
    service.answerOf(second).answer("here");
    await settle();
    const damage = { code: "AGENT_CORRUPT", what: "record 3 is damaged", advice: "repair it", facts: {} } as const;
    service.change(second, { damage });
    await room.ask("again", "all");
    assert.deepEqual(
      answers().map(({ refusal }) => refusal?.error.code),
      ["AGENT_LOCKED", "AGENT_CORRUPT"],
    );
    assert.equal(room.shown.at(-1)?.endedAt, 1000);
    assert.deepEqual(
      (await room.members()).map(({ asked, unavailable }) => [asked, unavailable?.error.code]),
      [
        [true, "AGENT_LOCKED"],
        [true, "AGENT_CORRUPT"],
      ],
    );
  });

  it("lists the answers by model, those of the loaded one first", async () => {
    const { room, service, first, second } = await roomOf("Ada", "Brian", "Cleo", "Dora");
    const other = { modelDirectory: "/models/other", modelName: "other" };
    const [, , , fourth = ""] = (await room.members()).map(({ agent }) => agent.id);
    service.change(first, other);
    service.change(fourth, other);
    const message = await room.ask("hello", "all");
    assert.deepEqual(
      message.answers.map(({ name, model }) => [name, model?.name]),
      [
        ["Brian", "SmolLM2-135M-Instruct"],
        ["Cleo", "SmolLM2-135M-Instruct"],
        ["Ada", "other"],
        ["Dora", "other"],
      ],
    );
    assert.ok(await service.running(second));
  });

  it("goes on with an answer that was cut, unless the agent has answered something else since", async () => {
    const { room, service, first, answers } = await roomOf("Ada");
    await room.ask("hello", "all");
    service.answerOf(first).play({ type: "text", text: "half", figures });
    room.stop(first);
    await settle();
    assert.equal(room.shown[0]?.endedAt, 1000);
    await room.continueAnswer(first, answers()[0]?.turn?.id ?? "");
    assert.equal(answers()[0]?.turn?.state, "running");
    assert.equal(room.shown[0]?.endedAt, undefined, "the time that it took says nothing any more");
    service.answerOf(first).answer(" an answer");
    await settle();
    const { turn } = answers()[0] ?? {};
    assert.deepEqual([turn?.state, turn?.answer], ["done", "half an answer"]);
    (await service.send(first, { text: "in its panel" })).abort();
    await assert.rejects(room.continueAnswer(first, turn?.id ?? ""), { code: "INVALID_REQUEST" });
  });

  it("goes on with an answer that waits for results when a further step of it begins elsewhere", async () => {
    const { room, service, first, answers } = await roomOf("Ada");
    await room.ask("hello", "all");
    const call = { id: "c1", name: "look", arguments: {} };
    service
      .answerOf(first)
      .play(
        { type: "call", call, figures },
        { type: "done", text: "I look.", calls: [call], tokenIds: [], finishReason: "calls", figures },
      );
    await settle();
    assert.equal(answers()[0]?.turn?.finishReason, "calls");
    await service.sendResults(first, { results: [{ call: "c1", text: "a tree" }] });
    await room.turnStarted(first);
    assert.deepEqual(
      [answers()[0]?.earlier?.map(({ answer }) => answer), answers()[0]?.turn?.state],
      [["I look."], "running"],
    );
    assert.equal(room.shown[0]?.endedAt, undefined);
    service.answerOf(first).answer("A tree.");
    await settle();
    const { earlier, turn } = answers()[0] ?? {};
    assert.deepEqual([earlier?.length, turn?.answer, turn?.results?.[0]?.text], [1, "A tree.", "a tree"]);
    await service.send(first, { text: "in its panel" });
    await room.turnStarted(first);
    assert.equal(answers()[0]?.turn?.answer, "A tree.", "another message is not a part of the answer");
  });

  it("can be cleared: its messages go, the agents keep their turns", async () => {
    const { room, service, first, open } = await roomOf("Ada", "Brian");
    await room.ask("hello", "all");
    service.answerOf(first).answer("done");
    await settle();
    room.clear();
    assert.deepEqual([room.shown, open().shown], [[], []]);
    assert.equal((await service.getAgent(first)).turns.length, 1);
    assert.equal((await room.members()).length, 2);
    await room.ask("again", [first]);
    assert.equal(room.shown.length, 1);
  });

  it("keeps the newest messages that are short enough together, and writes them only when something has ended", async () => {
    const { room, service, first, open, writes } = await roomOf("Ada");
    const long = "x".repeat(100_000);
    for (const text of ["one", "two", "three"]) {
      await room.ask(text, "all");
      const before = writes();
      for (let delta = 0; delta < 5; delta++) service.answerOf(first).play({ type: "text", text: "more ", figures });
      await settle();
      assert.equal(writes(), before);
      service.answerOf(first).answer(long);
      await settle();
    }
    assert.equal(room.shown.length, 3);
    assert.deepEqual(
      open().shown.map(({ text }) => text),
      ["two", "three"],
    );
  });

  it("shows the refusal of one agent next to the answers of the others", async () => {
    const { room, service, first, second, answers } = await roomOf("Ada", "Brian");
    service.change(first, { lockedElsewhere: true });
    await room.ask("hello", [first, second]);
    service.answerOf(second).answer("here");
    await settle();
    assert.equal(answers()[0]?.refusal?.error.code, "AGENT_LOCKED");
    assert.equal(answers()[1]?.turn?.answer, "here");
    assert.equal(room.shown.at(-1)?.endedAt, 1000);
  });

  it("asks a fork in place of an agent that could not be asked", async () => {
    const { room, service, first, second, posted } = await roomOf("Ada", "Brian");
    service.change(first, { lockedElsewhere: true });
    const message = await room.ask("hello", "all");
    service.answerOf(second).answer("here");
    await settle();
    await room.ask("to others", [second]);
    service.answerOf(second).play({ type: "text", text: "so far", figures });
    await room.askFork(message.id, first);
    const [asked] = room.shown;
    assert.deepEqual(
      asked?.answers.map(({ name, askedFork, turn }) => [name, askedFork, turn?.state]),
      [
        ["Ada", "Ada 2", undefined],
        ["Ada 2", undefined, "running"],
        ["Brian", undefined, "done"],
      ],
    );
    assert.equal((await room.members()).length, 3);
    const told = posted.filter((update) => update.type === "message" && update.message.id === message.id).at(-1);
    assert(told?.type === "message");
    assert.ok(
      told.message.answers.some(({ name }) => name === "Ada 2"),
      "the page has the answer before its text comes",
    );
  });

  it("carries the failure of a turn in its answer and still ends", async () => {
    const { room, service, first, answers } = await roomOf("Ada");
    await room.ask("hello", "all");
    service.answerOf(first).play({ type: "failed", error: { code: "INTERNAL", what: "w", advice: "a", facts: {} } });
    await settle();
    assert.equal(answers()[0]?.turn?.problem?.error.code, "INTERNAL");
    assert.equal(room.shown.at(-1)?.endedAt, 1000);
  });

  it("stops one or all", async () => {
    const { room, service, first, second, answers } = await roomOf("Ada", "Brian");
    await room.ask("hello", "all");
    const brian = service.answerOf(second);
    room.stop(first);
    await settle();
    assert.equal(brian.aborted, false);
    assert.equal(answers()[0]?.turn?.finishReason, "aborted");
    room.stopAll();
    assert.equal(brian.aborted, true);
  });

  it("answers again in the same place", async () => {
    const { room, service, first, answers } = await roomOf("Ada");
    await room.ask("hello", "all");
    service.answerOf(first).answer("one");
    await settle();
    await room.regenerate(first, answers()[0]?.turn?.id ?? "");
    service.answerOf(first).answer("two");
    await settle();
    assert.deepEqual(
      answers().map(({ turn }) => turn?.answer),
      ["two"],
    );
  });

  it("finds members and messages again in the next window; what ran then was interrupted", async () => {
    const { room, service, first, second, answers, open } = await roomOf("Ada", "Brian");
    await room.ask("hello", "all");
    service.answerOf(first).answer("done");
    await settle();
    room.fold(room.shown[0]?.id ?? "", first, true);
    const next = open();
    assert.deepEqual(
      (await next.members()).map(({ agent }) => agent.id),
      [first, second],
    );
    assert.deepEqual(
      answers(next).map(({ turn }) => turn?.state),
      ["done", "interrupted"],
    );
    assert.equal(answers(next)[0]?.folded, true);
    const { turns } = await service.getAgent(second);
    service.change(second, { turns: turns.map((turn) => ({ ...turn, state: "interrupted", answer: "half an" })) });
    await next.recover();
    assert.deepEqual(
      answers(next).map(({ turn }) => [turn?.state, turn?.answer]),
      [
        ["done", "done"],
        ["interrupted", "half an"],
      ],
    );
  });

  it("refuses an empty message and a message to nobody", async () => {
    const { room } = await roomOf("Ada");
    await assert.rejects(room.ask("  ", "all"), { code: "INVALID_REQUEST" });
    await assert.rejects(room.ask("hello", ["nobody"]), { code: "INVALID_REQUEST" });
  });

  it("lets those read ahead whom the message would ask, except one that another window has", async () => {
    const { room, service, first, second } = await roomOf("Ada", "Brian");
    await room.readAhead("hel", "all");
    await room.readAhead("hello", [second]);
    service.change(first, { lockedElsewhere: true });
    await room.readAhead("hello both", [first, second]);
    assert.deepEqual(service.warmed, [
      { id: first, draft: "hel", attachments: [] },
      { id: second, draft: "hel", attachments: [] },
      { id: second, draft: "hello", attachments: [] },
      { id: second, draft: "hello both", attachments: [] },
    ]);
  });

  it("gives all that are asked what the message carries, behind the changes of their pinned files, and lets them read it before", async () => {
    const { room, service, first, second } = await roomOf("Ada", "Brian");
    await room.readAhead("", "all", [selection]);
    assert.deepEqual(
      service.warmed,
      [first, second].map((id) => ({ id, draft: "", attachments: [selection] })),
    );
    const { text, ...view } = selection;
    const { attachments } = await room.ask("", "all", [selection]);
    assert.deepEqual(attachments, [{ ...view, length: text.length }]);
    for (const id of [first, second]) {
      const turn = (await service.getAgent(id)).turns.at(-1);
      assert.deepEqual(turn?.attachments, attachments);
      assert.equal(await service.attachmentText(id, turn?.id ?? "", 0), text);
    }
  });

  it("gives a fork that is asked later what the message carried, in the next window too", async () => {
    for (const isLater of [false, true]) {
      const { room, service, first, open } = await roomOf("Ada", "Brian");
      service.change(first, { lockedElsewhere: true });
      const message = await room.ask("hello", "all", [selection]);
      const asked = isLater ? open() : room;
      await asked.askFork(message.id, first);
      const fork = (await service.listAgents()).find(({ name }) => name === "Ada 2");
      const turn = (await service.getAgent(fork?.id ?? "")).turns.at(-1);
      assert.equal(turn?.attachments?.[0]?.digest, selection.digest);
      assert.equal(await service.attachmentText(fork?.id ?? "", turn?.id ?? "", 0), selection.text);
    }
  });

  it("says where a message has no such attachment, and where nobody has it any more", async () => {
    const { room, service, second, open } = await roomOf("Ada", "Brian");
    const { id } = await room.ask("hello", [second], [selection]);
    await assert.rejects(room.keeperOf(id, 1), { code: "INVALID_REQUEST" });
    await service.deleteAgent(second);
    await assert.rejects(open().keeperOf(id, 0), { code: "INVALID_REQUEST", what: /no agent has/ });
  });

  it("lets no more read ahead than the pool can hold together", async () => {
    const { room, service, first, second } = await roomOf("Ada", "Brian");
    const { pool } = await service.status();
    assert.ok(pool);
    const poolTokens = pool.totalBlocks * pool.blockTokens;
    service.change(first, { tokens: poolTokens - 100 });
    service.change(second, { tokens: 101 });
    await room.readAhead("hello", "all");
    assert.deepEqual(
      service.warmed.map(({ id }) => id),
      [first],
    );
  });

  it("tells who is in it, at the start and after each change", async () => {
    const { room, told, first, second, open } = await roomOf("Ada", "Brian");
    await room.remove(first);
    open();
    assert.deepEqual(told, [[], [first, second], [second], [second]]);
  });

  it("forgets agents that were deleted", async () => {
    const { room, service, first, second } = await roomOf("Ada", "Brian");
    await service.deleteAgent(first);
    assert.deepEqual(
      (await room.members()).map(({ agent }) => agent.id),
      [second],
    );
  });

  it("shows the failure of a message that the agent did not keep, since it does not fit its context", async () => {
    const { room, service, first, answers } = await roomOf("Ada");
    await room.ask("too long", "all");
    const answer = service.answerOf(first);
    const error = { code: "CONTEXT_FULL", what: "it does not fit", advice: "shorten it", facts: {} } as const;
    service.getAgent = async () => service.change(first, { turns: [] });
    answer.play({ type: "failed", error });
    await settle();
    assert.equal(answers()[0]?.turn?.problem?.error.code, "CONTEXT_FULL");
    assert.equal(room.shown.at(-1)?.endedAt, 1000);
  });

  it("keeps what an answer had come to when the engine ends under it", async () => {
    const { room, service, first, answers } = await roomOf("Ada");
    await room.ask("hello", "all");
    const error = new EngineEndedError("its thread ended").toInfo();
    service.answerOf(first).play({ type: "text", text: "half an", figures });
    service.getAgent = async () => {
      throw ResidentError.fromInfo(error);
    };
    service.answerOf(first).play({ type: "failed", error });
    await settle();
    const [answer] = answers();
    assert.deepEqual([answer?.turn?.state, answer?.turn?.answer], ["failed", "half an"]);
    assert.equal(answer?.turn?.problem?.error.code, "ENGINE_ENDED");
    assert.equal(room.shown.at(-1)?.endedAt, 1000);
  });
});
