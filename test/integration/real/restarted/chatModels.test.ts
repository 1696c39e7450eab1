import assert from "node:assert/strict";
import { cachedOf, request, usageOf } from "../../chatModels";
import { opening, other, realModel, tools } from "../conversation";

describe("a real model in VS Code's chat, in another window", () => {
  it("reuses a conversation from disk", async () => {
    const answer = await request(await realModel(), opening, { tools, conversation: "long" });
    const { prompt_tokens } = usageOf(answer);
    console.log(`      TTFT ${answer.ttftMs.toFixed(0)} ms, ${cachedOf(answer)} of ${prompt_tokens} tokens reused`);
    assert.ok(cachedOf(answer) >= 0.99 * prompt_tokens, `${cachedOf(answer)} of ${prompt_tokens} tokens reused`);
  });

  it("reuses everything up to the first difference in a new chat", async () => {
    const answer = await request(await realModel(), other, { tools, conversation: "new" });
    const { prompt_tokens } = usageOf(answer);
    console.log(`      TTFT ${answer.ttftMs.toFixed(0)} ms, ${cachedOf(answer)} of ${prompt_tokens} tokens reused`);
    assert.ok(cachedOf(answer) >= prompt_tokens - 40, `${cachedOf(answer)} of ${prompt_tokens} tokens reused`);
  });
});
