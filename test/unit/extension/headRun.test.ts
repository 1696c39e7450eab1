import assert from "node:assert/strict";
import { HeadRun } from "../../../src/extension/chat/headRun";
import type { TurnView } from "../../../src/protocol/service";
import { FakeRunning, figures } from "../../support/extension/fakeService";

const turn = (parts: Partial<TurnView> = {}): TurnView => ({
  id: "t1",
  user: "hi",
  answer: "",
  state: "running",
  createdAt: 0,
  ...parts,
});
const gone = { code: "ENGINE_ENDED", what: "it ended", advice: "restart it", facts: {} } as const;

describe("the running answer of a conversation's head", () => {
  function newRun(running: FakeRunning | undefined) {
    const delivered: string[] = [];
    const run = new HeadRun(
      async () => running,
      (id, update) => delivered.push(`${id} ${update.type === "text" ? update.delta.text : update.type}`),
    );
    return { run, delivered };
  }

  it("is followed while it runs, and let go of when the head is another turn", async () => {
    const running = new FakeRunning("r1");
    const { run, delivered } = newRun(running);
    await run.follow({ turns: [turn()] });
    running.play({ type: "text", text: "hello", figures });
    run.flush();
    assert.deepEqual(delivered, ["t1 hello"]);
    assert.equal(run.stateOf({ turns: [turn()] })?.text, "hello");
    assert.equal(run.stateOf({ turns: [turn({ id: "t2" })] }), undefined);
    await run.follow({ turns: [turn({ state: "done" })] });
    assert.equal(run.stateOf({ turns: [turn()] }), undefined);
  });

  it("goes on behind what a cut answer has said: only what is new is delivered", async () => {
    const running = new FakeRunning("r1");
    const { run, delivered } = newRun(running);
    await run.follow({ turns: [turn({ answer: "Once upon" })] });
    running.play({ type: "continues", text: "Once upon" }, { type: "text", text: " a time", figures });
    run.flush();
    assert.deepEqual(delivered, ["t1  a time"]);
    assert.equal(run.stateOf({ turns: [turn()] })?.text, "Once upon a time");
  });

  it("is a failed turn with what it has said when the engine ends under it", async () => {
    const running = new FakeRunning("r1");
    const { run } = newRun(running);
    await run.follow({ turns: [turn()] });
    running.play({ type: "text", text: "hello", figures });
    const call = { id: "c1", name: "look", arguments: {} };
    running.play({ type: "call", call, figures });
    const { answer, calls, state, error } = run.cutOff(gone) ?? {};
    assert.deepEqual([answer, calls, state, error], ["hello", [call], "failed", gone]);
    assert.equal(run.cutOff(gone), undefined);
  });

  it("is not followed any more when the panel was closed while it was looked up", async () => {
    const running = new FakeRunning("r1");
    const { run, delivered } = newRun(running);
    const following = run.follow({ turns: [turn()] });
    run.dispose();
    await following;
    running.play({ type: "text", text: "hello", figures });
    run.flush();
    assert.equal(run.stateOf({ turns: [turn()] }), undefined);
    assert.deepEqual(delivered, []);
  });
});
