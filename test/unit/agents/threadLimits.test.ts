import assert from "node:assert/strict";
import { chatLimits } from "../../../src/agents/threads/threadLimits";

describe("The limits that VS Code's chat is told", () => {
  it("are all that context and pool hold, less what the chat keeps for an answer", () => {
    assert.deepEqual(chatLimits(32_768), { maxInputTokens: 24_576, maxOutputTokens: 8_192 });
    assert.deepEqual(chatLimits(16_385), { maxInputTokens: 8_193, maxOutputTokens: 8_192 });
  });

  it("keep a quarter for the answer where that reserve would leave hardly anything", () => {
    assert.deepEqual(chatLimits(16_384), { maxInputTokens: 12_288, maxOutputTokens: 4_096 });
    assert.deepEqual(chatLimits(4_096), { maxInputTokens: 3_072, maxOutputTokens: 1_024 });
  });

  it("never promise more than there is, and always leave room for a question", () => {
    for (const tokens of [1, 64, 2_048, 16_384, 16_385, 131_072]) {
      const { maxInputTokens, maxOutputTokens } = chatLimits(tokens);
      assert.equal(maxInputTokens + maxOutputTokens, tokens);
      assert.ok(maxInputTokens >= maxOutputTokens);
    }
  });
});
