import assert from "node:assert/strict";
import type { ErrorInfo } from "../../../src/common/errors";
import { contextFullProblem } from "../../../src/extension/commands/contextFull";
import { problemOf } from "../../../src/extension/commands/errorText";

const context = 8192;
const full = (facts: ErrorInfo["facts"]): ErrorInfo => ({
  code: "CONTEXT_FULL",
  what: "it does not fit",
  advice: "start a new agent",
  facts: { needed: 73_913, context, ...facts },
});
const tooLong = full({ kept: 4000, message: 73_720, room: 4100, roomAlone: 8150, cause: "message" });
const noRoom = full({ kept: 6582, message: 1700, room: 1591, roomAlone: 8150, cause: "room" });
const noRoomAtAll = full({ kept: 8190, message: 4, room: 0, roomAlone: 8150, cause: "history" });

describe("a message that does not fit the context", () => {
  const idsOf = (error: ErrorInfo, turns: number) =>
    contextFullProblem(error, { turnCount: turns, isBelow: true }, "en").actions.map(({ id }) => id);

  it("is to be shortened where it is too long by itself, and nothing is offered that cannot help", () => {
    for (const turns of [0, 1, 7]) {
      const { error, kept, actions } = contextFullProblem(tooLong, { turnCount: turns, isBelow: true }, "en");
      assert.equal(error.what, "the message is too long for this model: 73,720 tokens, and there is room for 8,150");
      assert.equal(error.advice, "shorten it to 8,150 tokens");
      assert.match(kept ?? "", /your message is below\.$/);
      assert.deepEqual(actions, []);
    }
  });

  it("has ways on where it is the conversation that is long", () => {
    assert.equal(
      contextFullProblem(noRoom, { turnCount: 4, isBelow: true }, "en").error.what,
      "the message has 1,700 tokens and there is room for 1,591: the conversation holds 6,582 of 8,192",
    );
    for (const error of [noRoom, noRoomAtAll]) {
      assert.deepEqual(idsOf(error, 4), ["rewind", "newAgentAlike", "keepLastTurns"]);
    }
  });

  it("is not offered to keep the last turns where there is one only, nor to rewind where there is none", () => {
    assert.deepEqual(idsOf(noRoom, 1), ["rewind", "newAgentAlike"]);
    assert.deepEqual(idsOf(noRoom, 0), []);
  });
});

describe("the numbers of a failure", () => {
  const german = (error: ErrorInfo) => problemOf(error, { language: "de" }).error.what;

  it("are written as the display language writes them", () => {
    assert.match(german(tooLong), /73\.720 tokens, and there is room for 8\.150$/);
    assert.match(german(noRoomAtAll), /the context of 8\.192 tokens/);
    assert.match(german(full({ cause: "answer" })), /context of 8\.192 tokens ends: it cannot go on$/);
    const pool = { ...noRoom, code: "POOL_EXHAUSTED", facts: { needed: 1320, total: 1256, blockTokens: 64 } } as const;
    assert.match(german(pool), /1\.320 blocks.*has 1\.256$/);
  });

  it("are those of the failure's own sentence where it does not tell them apart", () => {
    assert.equal(german(full({})), "the prompt is 73.912 tokens long and the model's context holds 8.192");
    assert.equal(german(full({ cause: "message" })), "it does not fit");
  });
});
