import assert from "node:assert/strict";
import fc from "fast-check";
import type { ChatSnapshot, ChatUpdate } from "../../../src/protocol/chat";
import type { PageTurn } from "../../../src/protocol/page";
import { announcement, contextUse, runningTurn, sendBlocked, turnStage } from "../../../src/webview/chat/derived";
import { type ChatState, emptyChat, reduceChat } from "../../../src/webview/chat/state";
import { agent, figures, ready } from "../../support/webview/samples/agents";

const running: PageTurn = { id: "t2", user: "and?", answer: "", state: "running", createdAt: 0 };
const done: PageTurn = { id: "t1", user: "hi", answer: "hello", state: "done", finishReason: "stop", createdAt: 0 };

const snapshot: ChatSnapshot = {
  settings: { language: "en" },
  agent: agent(0, "Ada", { tokens: 100, contextTokens: 1000 }),
  system: "",
  engine: { state: ready, actions: [] },
  starts: [],
  turns: [done, running],
  branches: [],
};

function stateAfter(...updates: readonly ChatUpdate[]): ChatState {
  return updates.reduce(reduceChat, emptyChat);
}

const boot: ChatUpdate = { type: "snapshot", snapshot };

function textUpdate(offset: number, text: string): ChatUpdate {
  return { type: "text", turn: "t2", delta: { offset, text, figures: figures(5, 5, 1) } };
}

describe("the chat's state", () => {
  it("takes no update before a snapshot", () => {
    assert.equal(reduceChat(emptyChat, textUpdate(0, "x")), emptyChat);
  });

  it("takes the branches anew when a turn has ended, and leaves the turns as they are", () => {
    const chain = {
      turn: "t1",
      current: true,
      isEnd: true,
      user: "hi",
      answer: "hello",
      turns: 1,
      tokens: 9,
      createdAt: 0,
    };
    const before = stateAfter(boot);
    const after = reduceChat(before, { type: "branches", branches: [chain] });
    assert.deepEqual(after.snapshot?.branches, [chain]);
    assert.equal(after.snapshot?.turns, before.snapshot?.turns);
  });

  it("appends text to the running answer, and its progress ends", () => {
    const progress = { type: "prefill", done: 1, total: 2, reused: 0, tokensPerSecond: 0 } as const;
    const state = stateAfter(
      boot,
      { type: "progress", turn: "t2", progress },
      textUpdate(0, "Hel"),
      textUpdate(3, "lo"),
    );
    const turn = state.snapshot?.turns[1];
    assert.equal(turn?.answer, "Hello");
    assert.equal(turn?.progress, undefined);
    assert.equal(state.snapshot?.turns[0], done);
  });

  it("shows the same text however it was cut, doubled or overlapped", () => {
    const cut = fc.tuple(fc.nat({ max: 40 }), fc.nat({ max: 40 }));
    fc.assert(
      fc.property(fc.string({ maxLength: 40 }), fc.array(cut), (whole, cuts) => {
        let state = stateAfter(boot);
        let known = 0;
        for (const [back, length] of [...cuts, [0, 40] as const]) {
          const offset = Math.max(0, known - back);
          const text = whole.slice(offset, offset + length);
          state = reduceChat(state, textUpdate(offset, text));
          known = Math.max(known, offset + text.length);
        }
        assert.equal(state.stale, false);
        assert.equal(state.snapshot?.turns[1]?.answer, whole.slice(0, known));
      }),
    );
  });

  it("asks for a snapshot when text is missing, and is whole again with it", () => {
    const gap = stateAfter(boot, textUpdate(3, "lo"));
    assert(gap.stale);
    assert.equal(gap.snapshot?.turns[1]?.answer, "");
    assert(!reduceChat(gap, boot).stale);
    assert(
      stateAfter(boot, { type: "text", turn: "t9", delta: { offset: 0, text: "x", figures: figures(0, 0, 0) } }).stale,
    );
  });

  it("puts a new turn last and a changed one in its place", () => {
    const next: PageTurn = { ...running, id: "t3" };
    const state = stateAfter(boot, { type: "turn", turn: { ...running, state: "done" } }, { type: "turn", turn: next });
    assert.deepEqual(
      state.snapshot?.turns.map(({ id, state }) => [id, state]),
      [
        ["t1", "done"],
        ["t2", "done"],
        ["t3", "running"],
      ],
    );
  });

  it("forgets a lock that is gone", () => {
    const problem = { error: { code: "AGENT_LOCKED", what: "locked", advice: "", facts: {} }, actions: [] } as const;
    const locked = stateAfter(boot, { type: "agent", agent: snapshot.agent, readOnly: problem });
    assert.equal(locked.snapshot?.readOnly, problem);
    const open = reduceChat(locked, { type: "agent", agent: snapshot.agent });
    assert.equal(open.snapshot && "readOnly" in open.snapshot, false);
  });

  it("ignores progress of an answer that has begun", () => {
    const begun = stateAfter(boot, textUpdate(0, "x"));
    const progress = { type: "restoring", tokens: 5 } as const;
    const late = reduceChat(begun, { type: "progress", turn: "t2", progress });
    assert.equal(late.snapshot?.turns[1]?.progress, undefined);
  });
});

describe("what the chat shows of its state", () => {
  const idle: ChatSnapshot = { ...snapshot, turns: [done] };

  it("counts the running turn's tokens into the context", () => {
    const turns = [{ ...running, figures: figures(400, 100, 50) }];
    assert.equal(contextUse({ ...snapshot, turns }).used, 550);
    assert.equal(contextUse(idle).used, 100);
  });

  it("warns before the context is full, and says when it is", () => {
    const level = (tokens: number) => contextUse({ ...idle, agent: { ...idle.agent, tokens } }).level;
    assert.deepEqual([0, 899, 900, 999, 1000].map(level), ["open", "open", "near", "near", "full"]);
  });

  it("blocks sending while an answer runs, where the agent is read only, and without a model", () => {
    assert.equal(sendBlocked(idle), undefined);
    assert(sendBlocked(snapshot));
    const problem = { error: { code: "AGENT_LOCKED", what: "", advice: "", facts: {} }, actions: [] } as const;
    assert(sendBlocked({ ...idle, readOnly: problem }));
    assert(sendBlocked({ ...idle, engine: { state: { type: "noModel" }, actions: [] } }));
    assert.equal(sendBlocked({ ...idle, engine: { state: { type: "idle" }, actions: [] } }), undefined);
    const loading = { type: "loading", model: "m", done: 1, total: 2 } as const;
    assert.equal(sendBlocked({ ...idle, engine: { state: loading, actions: [] } }), undefined);
  });

  it("takes only the head for running", () => {
    assert.equal(runningTurn(snapshot)?.id, "t2");
    assert.equal(runningTurn(idle), undefined);
  });

  it("names the stage of a turn", () => {
    const queued = { type: "queued", neededBlocks: 1, turnsAhead: 0 } as const;
    assert.equal(turnStage(running, true), "reading");
    assert.equal(turnStage({ ...running, progress: queued }, true), "waiting");
    assert.equal(turnStage({ ...running, answer: "x" }, true), "answering");
    assert.equal(turnStage({ ...done, finishReason: "aborted" }, true), "stopped");
    assert.equal(turnStage(done, true), undefined);
  });

  it("announces changes of stage once, and never the text", () => {
    const say = (before: PageTurn | undefined, turn: PageTurn) => announcement("Ada", before, turn, String);
    const answering: PageTurn = { ...running, answer: "secret" };
    const ended: PageTurn = { ...done, id: "t2", figures: figures(1, 1, 7) };
    assert.equal(say(undefined, running), "Ada is reading");
    assert.equal(say(running, answering), "Ada is answering");
    assert.equal(say(answering, { ...answering, answer: "secret, more" }), "");
    assert.equal(say(answering, ended), "Answer finished, 7 tokens");
    assert.equal(say(answering, { ...ended, finishReason: "aborted" }), "Answer stopped, 7 tokens kept");
    assert.equal(say(undefined, ended), "");
  });
});

describe("a turn with steps in the chat's state", () => {
  const call = { id: "c1", name: "look", arguments: {} };
  const called: PageTurn = { ...done, calls: [call], finishReason: "calls" };
  const short = { call: "c1", text: "abc", length: 9000 };
  const step: PageTurn = { id: "t2", user: "", results: [short], answer: "", state: "running", createdAt: 0 };
  const begun: ChatUpdate = { type: "snapshot", snapshot: { ...snapshot, turns: [called, step] } };

  it("takes the calls of a running answer, each once", () => {
    const delta = { offset: 0, text: "", calls: [{ ...call, id: "c2" }], figures: figures(5, 5, 1) };
    const update: ChatUpdate = { type: "text", turn: "t2", delta };
    const { snapshot: after } = stateAfter(begun, update, update);
    assert.deepEqual(
      after?.turns.at(-1)?.calls?.map(({ id }) => id),
      ["c2"],
    );
  });

  it("takes more of a result, and keeps it when the host tells the turn again", () => {
    const whole = { call: "c1", text: "x".repeat(9000) };
    const more: ChatUpdate = { type: "result", turn: "t2", result: whole };
    const ended: ChatUpdate = { type: "turn", turn: { ...step, state: "done", answer: "so" } };
    const { snapshot: after } = stateAfter(begun, more, ended);
    assert.deepEqual(after?.turns.at(-1)?.results, [whole]);
    assert.equal(after?.turns.at(-1)?.answer, "so");
    assert.deepEqual(stateAfter(begun, { ...more, turn: "t9" }).snapshot?.turns, [called, step]);
    assert.deepEqual(stateAfter(begun, { ...more, turn: "t1" }).snapshot?.turns[0]?.results, undefined);
  });

  it("is said to wait for results when its answer ends with calls", () => {
    const running = { ...called, state: "running" } as const;
    const ended = { ...called, figures: figures(5, 5, 12) };
    assert.equal(announcement("Ada", running, ended, String), "Answer waits for results, 12 tokens");
    assert.equal(announcement("Ada", undefined, step, String), "Ada is reading");
    assert.deepEqual([turnStage(called, true), turnStage(called, false)], ["waits for results", undefined]);
  });
});
