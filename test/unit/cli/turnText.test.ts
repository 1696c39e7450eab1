import assert from "node:assert/strict";
import { turnText } from "../../../src/cli/turnText";
import type { TurnView } from "../../../src/protocol/service";

describe("A turn that is shown on the terminal", () => {
  const turn: TurnView = {
    id: "1",
    user: "Read it",
    answer: "I do.",
    state: "done",
    finishReason: "stop",
    createdAt: 0,
  };

  it("is the message and the answer, with the thought before it", () => {
    assert.equal(turnText(turn), "> Read it\nI do.\n(stop)\n");
    assert.equal(turnText({ ...turn, thought: "hm" }), "> Read it\n[thought] hm\n\nI do.\n(stop)\n");
  });

  it("is the calls of an answer, and as a further step what they gave", () => {
    const calls = [{ id: "c1", name: "read_file", arguments: { path: "a" } }];
    const calling: TurnView = { ...turn, answer: "", calls, finishReason: "calls" };
    assert.equal(turnText(calling), '> Read it\n[call c1] read_file {"path":"a"}\n(calls)\n');
    const results = [
      { call: "c1", text: "text" },
      { call: "c2", text: "no such file", failed: true },
    ];
    const step: TurnView = { ...turn, user: "", results, answer: "It is empty." };
    assert.equal(turnText(step), "[result c1] text\n[result c2, failed] no such file\nIt is empty.\n(stop)\n");
  });

  it("names what is attached to the message", () => {
    const digest = "0".repeat(64);
    const attachments = [
      { kind: "selection", path: "a\u001b[2J.ts", range: { from: 3, to: 9 }, digest, length: 20 },
      { kind: "file", path: "b.ts", digest, length: 5 },
    ] as const;
    const named = "[a\uFFFD[2J.ts, lines 3 to 9, 20 characters]\n[b.ts, 5 characters]\n";
    assert.equal(turnText({ ...turn, attachments }), `${named}> Read it\nI do.\n(stop)\n`);
    assert.equal(turnText({ ...turn, user: "", attachments }), `${named}I do.\n(stop)\n`);
  });

  it("says of a call that was not made, and how it ended", () => {
    const cut: TurnView = { ...turn, dropped: { reason: "cut", text: "<tool_call>" }, finishReason: "length" };
    assert.equal(turnText(cut), "> Read it\nI do.\n[a call was not made: the answer ended inside it]\n(length)\n");
    assert.equal(turnText({ ...turn, answer: "", state: "interrupted" }), "> Read it\n\n(interrupted)\n");
  });
});
