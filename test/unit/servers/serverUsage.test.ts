import assert from "node:assert/strict";
import { usageIn } from "../../../src/servers/serverUsage";

describe("A server's figures", () => {
  const cases: readonly (readonly [string, object, object | undefined])[] = [
    [
      "OpenAI, vLLM, SGLang, mlx_lm.server",
      { usage: { prompt_tokens: 20, completion_tokens: 5, prompt_tokens_details: { cached_tokens: 0 } } },
      { promptTokens: 20, cachedTokens: 0, completionTokens: 5 },
    ],
    [
      "with a thought",
      { usage: { prompt_tokens: 20, completion_tokens: 5, completion_tokens_details: { reasoning_tokens: 3 } } },
      { promptTokens: 20, completionTokens: 5, thoughtTokens: 3 },
    ],
    [
      "Ollama",
      { usage: { prompt_tokens: 20, completion_tokens: 5, total_tokens: 25 } },
      { promptTokens: 20, completionTokens: 5 },
    ],
    ["DeepSeek", { usage: { prompt_tokens: 20, prompt_cache_hit_tokens: 8 } }, { promptTokens: 20, cachedTokens: 8 }],
    [
      "llama.cpp without usage",
      { timings: { cache_n: 12, prompt_n: 8, predicted_n: 5 } },
      { promptTokens: 20, cachedTokens: 12, completionTokens: 5 },
    ],
    [
      "llama.cpp with both",
      { usage: { prompt_tokens: 20, completion_tokens: 5 }, timings: { cache_n: 12, prompt_n: 8, predicted_n: 5 } },
      { promptTokens: 20, cachedTokens: 12, completionTokens: 5 },
    ],
    ["an older llama.cpp", { timings: { prompt_n: 8, predicted_n: 5 } }, { completionTokens: 5 }],
    ["none", {}, undefined],
    ["null", { usage: null, timings: null }, undefined],
    ["nonsense", { usage: { prompt_tokens: -1, completion_tokens: "5", prompt_tokens_details: 7 } }, undefined],
    ["too much", { usage: { prompt_tokens: 1e300, completion_tokens: 0.5 } }, undefined],
  ];
  for (const [who, event, expected] of cases) {
    it(`are read as ${who} tells them`, () => assert.deepEqual(usageIn(event), expected));
  }
});
