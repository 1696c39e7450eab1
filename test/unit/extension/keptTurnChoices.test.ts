import assert from "node:assert/strict";
import { keptTurnChoices } from "../../../src/extension/agents/keptTurnChoices";
import type { TurnView } from "../../../src/protocol/service";

const turn = (user: string, promptTokens: number, generatedTokens: number): TurnView => ({
  id: user,
  user,
  answer: "yes",
  state: "done",
  createdAt: 0,
  figures: {
    promptTokens,
    reusedTokens: 0,
    prefilledTokens: promptTokens,
    generatedTokens,
    ttftMs: 0,
    restoreMs: 0,
    decodeTokensPerSecond: 0,
    cache: { tier: "cold" },
  },
});

describe("the turns to keep when an agent starts over", () => {
  const turns = [turn("One", 30, 10), turn("Two", 50, 20), turn("Three", 90, 10)];

  it("are offered with the tokens that they read, the fewest first, as long as something is left out", () => {
    assert.deepEqual(keptTurnChoices(turns), [
      { turns: 1, tokens: 30, firstMessage: "Three" },
      { turns: 2, tokens: 60, firstMessage: "Two" },
    ]);
  });

  it("do not count a message that was refused", () => {
    const refused: TurnView = { id: "t4", user: "Too long", answer: "", state: "failed", createdAt: 0 };
    assert.deepEqual(keptTurnChoices([...turns, refused]), keptTurnChoices(turns));
  });

  it("are kept with all their steps", () => {
    const called = { ...turn("Two", 50, 20), calls: [{ id: "c1", name: "look", arguments: {} }] };
    const step = { ...turn("", 80, 5), results: [{ call: "c1", text: "a tree" }] };
    assert.deepEqual(keptTurnChoices([turn("One", 30, 10), called, step, turn("Three", 90, 10)]), [
      { turns: 1, tokens: 15, firstMessage: "Three" },
      { turns: 2, tokens: 60, firstMessage: "Two" },
    ]);
  });

  it("are none where there is nothing to leave out", () => {
    assert.deepEqual(keptTurnChoices(turns.slice(0, 1)), []);
    assert.deepEqual(keptTurnChoices([]), []);
  });
});
