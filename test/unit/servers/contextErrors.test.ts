import assert from "node:assert/strict";
import { contextNumbers } from "../../../src/servers/contextErrors";
import { rejection } from "../../support/models/folders";
import { Asked } from "../../support/servers/asked";
import { failing, json, scriptedServer, stream } from "../../support/servers/scriptedServer";

/** What servers say, with the tokens that the prompt needs and the tokens that the context has. */
const said: readonly (readonly [string, string, number | undefined, number | undefined])[] = [
  [
    "OpenAI",
    "This model's maximum context length is 8192 tokens. However, your messages resulted in 8471 tokens. Please reduce the length of the messages.",
    8471,
    8192,
  ],
  [
    "vLLM",
    "This model's maximum context length is 2048 tokens. However, you requested 2549 tokens (2017 in the messages, 532 in the completion). Please reduce the length of the messages or completion.",
    2549,
    2048,
  ],
  [
    "a newer vLLM",
    "This model's maximum context length is 32768 tokens. However, your request has 40000 input tokens. Please reduce the length of the input messages.",
    40000,
    32768,
  ],
  [
    "vLLM's limit on answers",
    "'max_tokens' or 'max_completion_tokens' is too large: 5000. This model's maximum context length is 4096 tokens and your request has 10 input tokens (5000 > 4096 - 10).",
    10,
    4096,
  ],
  ["vLLM's older core", "The prompt (length 40000) is longer than the maximum model length of 32768", 40000, 32768],
  [
    "SGLang",
    "Requested token count exceeds the model's maximum context length of 32768 tokens. You requested a total of 40000 tokens: 35000 tokens from the input messages and 5000 tokens for the completion.",
    40000,
    32768,
  ],
  [
    "SGLang's input",
    "The input (40000 tokens) is longer than the model's context length (32768 tokens).",
    40000,
    32768,
  ],
  [
    "llama.cpp",
    "request (13392 tokens) exceeds the available context size (8192 tokens), try increasing it",
    13392,
    8192,
  ],
  [
    "an older llama.cpp",
    "the request exceeds the available context size. try increasing the context size or enable context shift",
    undefined,
    undefined,
  ],
  ["llama-cpp-python", "Requested tokens (533) exceed context window of 512", 533, 512],
  [
    "LM Studio",
    "Trying to keep the first 5000 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens, which is not enough.",
    undefined,
    4096,
  ],
  ["Ollama", "the input length exceeds the context length", undefined, undefined],
  ["others", "prompt is too long: 200,001 tokens > 200,000 maximum", 200001, 200000],
];

describe("A prompt that a server's context does not hold", () => {
  const scripted = scriptedServer();

  for (const [who, words, needed, context] of said) {
    it(`is recognised in the words of ${who}`, async () => {
      scripted.server.play(failing(400, words));
      const { facts } = await rejection(new Asked(scripted.server.url).answer(), "CONTEXT_FULL", /does not fit/);
      assert.deepEqual([facts["needed"], facts["context"], facts["cause"]], [needed, context, "server"]);
      assert.equal(scripted.server.requests.length, 1);
    });
  }

  it("is recognised by a code and by numbers of their own", () => {
    assert.deepEqual(contextNumbers({ code: "context_length_exceeded" }, "no"), {});
    const numbers = { type: "exceed_context_size_error", n_prompt_tokens: 90, n_ctx: 64 };
    assert.deepEqual(contextNumbers(numbers, "no"), { needed: 90, context: 64 });
  });

  it("is said with both numbers", async () => {
    scripted.server.play(failing(400, "request (13392 tokens) exceeds the available context size (8192 tokens)"));
    const { what } = await rejection(new Asked(scripted.server.url).answer(), "CONTEXT_FULL", /13,392/);
    assert.match(what, /needs 13,392 tokens and does not fit the context of 8,192 tokens/);
  });

  it("is recognised inside a stream and as an answer of status 200", async () => {
    const error = { error: { message: "the input length exceeds the context length" } };
    for (const script of [stream(error), json(error)]) {
      scripted.server.play(script);
      await rejection(new Asked(scripted.server.url).answer(), "CONTEXT_FULL", /does not fit/);
    }
  });

  it("is not seen where an error says something else", () => {
    for (const words of ["context is required", "model is loading", "max_tokens must be at least 1", ""]) {
      assert.equal(contextNumbers({ message: words }, words), undefined, words);
    }
  });
});
