import assert from "node:assert/strict";
import fc from "fast-check";
import type { GenerationEvent } from "../../../../src/protocol/service";
import type { ToClient } from "../../../../src/protocol/wire";
import { Outbox } from "../../../../src/service/remote/outbox";
import { figures } from "../../../support/extension/fakeService";
import { agent } from "../../../support/webview/samples/agents";

const running = fc.constantFrom("a", "b");

const message: fc.Arbitrary<ToClient> = fc.oneof(
  fc.record({ running, text: fc.string({ maxLength: 3 }) }).map(({ running, text }) => tell(running, textOf(text))),
  fc
    .record({ running, done: fc.nat(9) })
    .map(({ running, done }) => tell(running, { type: "prefill", done, total: 9, reused: 0, tokensPerSecond: 1 })),
  fc
    .nat(9)
    .map((id): ToClient => ({ type: "refused", id, error: { code: "ABORTED", what: "", advice: "", facts: {} } })),
  fc
    .nat(9)
    .map((done): ToClient => ({ type: "progress", id: 1, progress: { done, total: 9, unit: "runs", message: "" } })),
);

function tell(name: string, event: GenerationEvent): ToClient {
  return { type: "running", running: name, event };
}

const thinkingOf = (text: string): GenerationEvent => ({ type: "thinking", text, figures });

function textOf(text: string): GenerationEvent {
  return { type: "text", text, figures };
}

/** What a program has seen of one answer when each result came: progress of which only the last counts, and all text. */
function seen(messages: readonly ToClient[], name: string): readonly string[] {
  const moments: string[] = [];
  let text = "";
  let progress = "";
  for (const next of messages) {
    if (next.type === "refused") moments.push(`${next.id} ${progress} ${text}`);
    if (next.type !== "running" || next.running !== name) continue;
    if (next.event.type === "text") text += next.event.text;
    if (next.event.type === "prefill") progress = `${next.event.done}`;
  }
  return [...moments, `${progress} ${text}`];
}

describe("what waits for the client", () => {
  it("joins what is thought, and not with what is answered", () => {
    const outbox = new Outbox();
    for (const event of [thinkingOf("a"), thinkingOf("b"), textOf("c")]) outbox.add(tell("r", event));
    const events = outbox.takeAll().map((message) => message.type === "running" && message.event);
    assert.deepEqual(events, [thinkingOf("ab"), textOf("c")]);
  });

  it("tells the same story in fewer messages, and nothing moves across a result", () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 40 }), (messages) => {
        const outbox = new Outbox();
        for (const next of messages) outbox.add(next);
        const taken = outbox.takeAll();
        for (const name of ["a", "b"]) assert.deepEqual(seen(taken, name), seen(messages, name));
        const results = messages.filter(({ type }) => type === "refused").length;
        // Between two results: progress and text of each answer may alternate, the call's progress is one.
        assert.ok(taken.length <= messages.length);
        if (messages.every((next) => next.type === "running" && next.event.type === "text")) {
          assert.ok(taken.length <= 2 * (results + 1));
        }
        assert.equal(outbox.isEmpty, true);
      }),
      { numRuns: 2000 },
    );
  });

  it("keeps only the last of an agent's changes until something else is told", () => {
    const outbox = new Outbox();
    const changed = (id: string, name: string): ToClient => {
      return { type: "event", event: { type: "agent", id, summary: agent(0, name) } };
    };
    outbox.add(changed("a", "1"));
    outbox.add(changed("b", "2"));
    outbox.add(changed("a", "3"));
    outbox.add({ type: "event", event: { type: "turnStarted", id: "a", turn: "t" } });
    outbox.add(changed("a", "4"));
    outbox.add({ type: "event", event: { type: "agent", id: "a" } });
    const words = outbox.takeAll().map((next) => {
      if (next.type !== "event") return next.type;
      return next.event.type === "agent" ? (next.event.summary?.name ?? "gone") : next.event.type;
    });
    assert.deepEqual(words, ["3", "2", "turnStarted", "4", "gone"]);
  });
});
