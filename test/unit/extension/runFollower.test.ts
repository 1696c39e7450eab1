import assert from "node:assert/strict";
import { setTimeout as wait } from "node:timers/promises";
import fc from "fast-check";
import { RunFollower, type RunUpdate } from "../../../src/extension/pages/runFollower";
import type { PageTurn } from "../../../src/protocol/page";
import { withText } from "../../../src/webview/shared/turnUpdates";
import { FakeRunning, figures } from "../../support/extension/fakeService";

const text = (part: string) => ({ type: "text", text: part, figures }) as const;

/** The answer as a page puts it together: what overlaps is dropped, a gap is a failure. */
function assembled(updates: readonly RunUpdate[]): string {
  return updates.reduce((answer, update) => {
    if (update.type !== "text") return answer;
    assert.equal(update.delta.offset, answer.length);
    return answer + update.delta.text;
  }, "");
}

describe("a run follower", () => {
  it("gathers what comes within a frame into one update", async () => {
    const running = new FakeRunning("r");
    const updates: RunUpdate[] = [];
    new RunFollower(running, (update) => updates.push(update));
    running.play(text("a"), text("b"), text("c"));
    assert.equal(updates.length, 0);
    await wait(40);
    assert.deepEqual(updates, [{ type: "text", delta: { offset: 0, text: "abc", figures } }]);
  });

  it("delivers every character once and in order, wherever frames fall", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string({ minLength: 1 }), fc.constant(undefined))), (parts) => {
        const running = new FakeRunning("r");
        const updates: RunUpdate[] = [];
        const follower = new RunFollower(running, (update) => updates.push(update));
        for (const part of parts) {
          if (part === undefined) follower.flush();
          else running.play(text(part));
        }
        follower.flush();
        follower.dispose();
        assert.equal(assembled(updates), parts.filter((part) => part !== undefined).join(""));
      }),
    );
  });

  it("delivers a thought apart from the answer, each from where it was", () => {
    const thinking = (part: string) => ({ type: "thinking", text: part, figures }) as const;
    const running = new FakeRunning("r");
    const updates: RunUpdate[] = [];
    running.play({ type: "continues", text: "", thought: "we" });
    const follower = new RunFollower(running, (update) => updates.push(update));
    running.play(thinking("ll"));
    follower.flush();
    running.play(thinking("!"), text("Hello"));
    follower.flush();
    assert.deepEqual(updates, [
      { type: "text", delta: { offset: 0, text: "", thought: { offset: 2, text: "ll" }, figures } },
      { type: "text", delta: { offset: 0, text: "Hello", thought: { offset: 4, text: "!" }, figures } },
    ]);
    assert.deepEqual(follower.state, { thought: "well!", text: "Hello", figures });
    const turn = { id: "t1", user: "a", answer: "", thought: "we", state: "running", createdAt: 0 } as const;
    const grown = updates.reduce<PageTurn | undefined>(
      (before, update) => before && (update.type === "text" ? withText(before, update.delta) : before),
      turn,
    );
    assert.deepEqual([grown?.thought, grown?.answer], ["well!", "Hello"]);
    assert.equal(withText(turn, { offset: 0, text: "", thought: { offset: 3, text: "x" }, figures }), undefined);
    follower.dispose();
  });

  it("delivers calls with the text around them, each once, and a call that was not made", () => {
    const call = (id: string) => ({ id, name: "look", arguments: { at: 1 } });
    const called = (id: string) => ({ type: "call", call: call(id), figures }) as const;
    const dropped = { reason: "cut", name: "look", text: '{"at"' } as const;
    const running = new FakeRunning("r");
    const updates: RunUpdate[] = [];
    const follower = new RunFollower(running, (update) => updates.push(update));
    running.play({ type: "prefill", done: 1, total: 9, reused: 0, tokensPerSecond: 1 }, called("c1"));
    follower.flush();
    assert.equal(follower.state.progress, undefined, "it has begun to answer");
    running.play(text("and"), called("c2"), called("c3"));
    follower.flush();
    running.play({ type: "dropped", dropped });
    follower.flush();
    follower.flush();
    assert.deepEqual(
      updates.map((update) => update.type === "text" && [update.delta.text, update.delta.calls, update.delta.dropped]),
      [
        ["", [call("c1")], undefined],
        ["and", [call("c2"), call("c3")], undefined],
        ["", undefined, dropped],
      ],
    );
    assert.deepEqual([follower.state.calls?.length, follower.state.dropped], [3, dropped]);
    const turn = { id: "t1", user: "a", answer: "", calls: [call("c1")], state: "running", createdAt: 0 } as const;
    const grown = updates.reduce<PageTurn | undefined>(
      (before, update) => before && (update.type === "text" ? withText(before, update.delta) : before),
      turn,
    );
    assert.deepEqual(grown?.calls, [call("c1"), call("c2"), call("c3")]);
    assert.deepEqual([grown?.dropped, grown?.answer], [dropped, "and"]);
    follower.dispose();
  });

  it("knows what came before it began to listen", () => {
    const running = new FakeRunning("r");
    running.play(text("already "), text("said"));
    const follower = new RunFollower(running, () => {});
    assert.equal(follower.state.text, "already said");
    follower.dispose();
  });

  it("tells the latest progress until the first text, and none after it", () => {
    const running = new FakeRunning("r");
    const updates: RunUpdate[] = [];
    const follower = new RunFollower(running, (update) => updates.push(update));
    const prefill = (done: number) => ({ type: "prefill", done, total: 9, reused: 0, tokensPerSecond: 1 }) as const;
    running.play(prefill(3), prefill(6));
    follower.flush();
    assert.deepEqual(updates, [{ type: "progress", progress: prefill(6) }]);
    assert.deepEqual(follower.state.progress, prefill(6));
    running.play(text("x"));
    assert.equal(follower.state.progress, undefined);
    follower.dispose();
  });

  it("is silent once it is let go", async () => {
    const running = new FakeRunning("r");
    const updates: RunUpdate[] = [];
    const follower = new RunFollower(running, (update) => updates.push(update));
    running.play(text("a"));
    follower.dispose();
    running.play(text("b"));
    await wait(40);
    assert.deepEqual(updates, []);
  });
});
