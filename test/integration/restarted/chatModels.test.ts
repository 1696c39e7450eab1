import assert from "node:assert/strict";
import { cachedOf, hostModel, longOpening, request, usageOf } from "../chatModels";

describe("VS Code's chat after a restart", () => {
  it("goes on from disk: what was read in another window is not read again", async () => {
    const answer = await request(await hostModel("SmolLM2-135M-Instruct"), longOpening, {
      conversation: "rules",
    });
    const { prompt_tokens } = usageOf(answer);
    assert.ok(cachedOf(answer) >= 0.99 * prompt_tokens, `${cachedOf(answer)} of ${prompt_tokens} tokens reused`);
    console.log(`      TTFT ${answer.ttftMs.toFixed(0)} ms, ${cachedOf(answer)} of ${prompt_tokens} tokens reused`);
  });
});
