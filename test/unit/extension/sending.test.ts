import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { ResidentError } from "../../../src/common/errors";
import { regenerateAnswer, sendMessage } from "../../../src/extension/chat/sending";
import type { MessageDraft } from "../../../src/protocol/chat";
import type { Problem } from "../../../src/protocol/page";
import { FakeService } from "../../support/extension/fakeService";

const facts = {
  needed: 73_913,
  context: 8192,
  kept: 0,
  message: 73_720,
  room: 8150,
  roomAlone: 8150,
  cause: "message",
};
const contextFull = new ResidentError("CONTEXT_FULL", "it does not fit", "shorten it", facts);

describe("a message that is sent from a chat", () => {
  async function newChat() {
    const service = new FakeService();
    const { id } = await service.createAgent({ name: "Ada" });
    const refused: { readonly message: MessageDraft | undefined; readonly problem: Problem }[] = [];
    const onRefused = (message: MessageDraft | undefined, problem: Problem) => refused.push({ message, problem });
    const sending = { door: service, agent: id, language: "en", onRefused };
    const send = (message: MessageDraft) => sendMessage(message, sending);
    return { service, id, refused, send, sending };
  }

  it("comes back with its tokens and the room there is where its prompt does not fit", async () => {
    const { service, id, refused, send } = await newChat();
    const text = "a long message";
    await send({ text });
    service.answerOf(id).play({ type: "failed", error: contextFull.toInfo() });
    service.change(id, { turns: [] }); // the head goes back
    await setImmediate();
    assert.deepEqual(refused[0]?.message, { text });
    assert.match(refused[0]?.problem.error.what ?? "", /73,720 tokens, and there is room for 8,150/);
    assert.deepEqual(refused[0]?.problem.actions, []);
  });

  it("comes back too where it is refused before it is a turn, with the turn that it was to replace", async () => {
    const { service, refused, send } = await newChat();
    service.send = () => Promise.reject(contextFull);
    await send({ text: "hello", instead: "t1" });
    assert.deepEqual(refused[0]?.message, { text: "hello", instead: "t1" });
  });

  it("is refused without coming back where its answer was to be made again and does not fit any more", async () => {
    const { service, id, refused, send, sending } = await newChat();
    await send({ text: "hello" });
    service.answerOf(id).answer("first");
    const [first] = (await service.getAgent(id)).turns;
    assert(first);
    await regenerateAnswer(first.id, sending);
    service.answerOf(id).play({ type: "failed", error: contextFull.toInfo() });
    await setImmediate();
    assert.equal(refused.length, 1);
    assert.equal(refused[0]?.message, undefined);
    assert.equal(refused[0]?.problem.kept, "Nothing was read. The conversation is as it was.");
  });

  it("does not come back where its answer failed otherwise: its turn says so", async () => {
    const { service, id, refused, send } = await newChat();
    await send({ text: "hello" });
    const error = new ResidentError("NATIVE_FAILURE", "the device failed", "restart", {}).toInfo();
    service.answerOf(id).play({ type: "failed", error });
    await setImmediate();
    assert.deepEqual(refused, []);
    assert.equal((await service.getAgent(id)).turns[0]?.state, "failed");
  });

  it("rejects where it could not be sent at all, so that the page keeps it", async () => {
    const { service, id, refused, send } = await newChat();
    service.change(id, { lockedElsewhere: true });
    await assert.rejects(send({ text: "hello" }), { code: "AGENT_LOCKED" });
    assert.deepEqual(refused, []);
  });

  it("takes the place of another on a new branch", async () => {
    const { service, id, send } = await newChat();
    await send({ text: "one" });
    service.answerOf(id).answer("first");
    const [first] = (await service.getAgent(id)).turns;
    await send({ text: "two", ...(first && { instead: first.id }) });
    assert.deepEqual(
      (await service.getAgent(id)).turns.map(({ user }) => user),
      ["two"],
    );
  });
});
