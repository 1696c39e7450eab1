import assert from "node:assert/strict";
import type { ErrorInfo } from "../../../src/common/errors";
import { contextFullProblem } from "../../../src/extension/commands/contextFull";
import { problemOf } from "../../../src/extension/commands/errorText";

const error: ErrorInfo = {
  code: "CONTEXT_FULL",
  what: "the conversation with this message is 73912 tokens long and the model's context holds 8192",
  advice: "shorten the message",
  facts: { needed: 73_913, context: 8192, kept: 0 },
};

describe("a message that does not fit the context", () => {
  const problem = (draftTokens: number, promptTokens: number, turnCount: number, historyTokens: number) =>
    contextFullProblem(error, {
      size: { draftTokens, promptTokens, contextTokens: 8192 },
      turnCount,
      historyTokens,
      language: "en",
    });
  const idsOf = ({ actions }: ReturnType<typeof problem>) => actions.map(({ id }) => id);

  it("is to be shortened where it is too long by itself, and nothing is offered that cannot help", () => {
    for (const [turns, history] of [
      [0, 0],
      [7, 4000],
    ] as const) {
      const { error: shown, actions } = problem(73_720, 73_912 + history, turns, history);
      assert.match(shown.what, /73,720 tokens, and there is room for [\d,]+$/);
      assert.match(shown.advice, /^shorten it to [\d,]+ tokens$/);
      assert.deepEqual(actions, []);
    }
    assert.match(problem(73_720, 73_912, 0, 0).error.what, /room for 7,999$/);
  });

  it("has ways on where it is the conversation that is long", () => {
    const full = problem(1700, 8300, 4, 6582);
    assert.equal(
      full.error.what,
      "the message has 1,700 tokens and there is room for 1,591: the conversation holds 6,582 of 8,192",
    );
    assert.deepEqual(idsOf(full), ["rewind", "newAgentAlike", "keepLastTurns"]);
  });

  it("is not offered to keep the last turns where there is one only", () => {
    assert.deepEqual(idsOf(problem(1700, 8300, 1, 6582)), ["rewind", "newAgentAlike"]);
  });

  it("is told without its size where that is not known", () => {
    const unknown = contextFullProblem(error, { size: undefined, turnCount: 3, historyTokens: 9, language: "de" });
    assert.match(unknown.error.what, /73\.912 tokens long.*holds 8\.192/);
    assert.deepEqual(idsOf(unknown), ["rewind", "newAgentAlike", "keepLastTurns"]);
  });
});

describe("the numbers of a failure", () => {
  it("are written as the display language writes them", () => {
    assert.match(problemOf(error, { language: "en" }).error.what, /73,912 tokens long.*holds 8,192$/);
    const pool = { ...error, code: "POOL_EXHAUSTED", facts: { needed: 1320, total: 1256, blockTokens: 64 } } as const;
    assert.match(problemOf(pool, { language: "de" }).error.what, /1\.320 blocks.*has 1\.256$/);
  });
});
