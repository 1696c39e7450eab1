import assert from "node:assert/strict";
import type { ChatMessage } from "../../../src/common/messages";
import type { ToolSpec } from "../../../src/common/tools";
import { ServerClient } from "../../../src/servers/serverClient";
import { rejection } from "../../support/models/folders";
import { Asked, callReader, newIds, quickOptions } from "../../support/servers/asked";
import {
  beginStream,
  counted,
  delta,
  ended,
  failing,
  json,
  type Script,
  said,
  scriptedServer,
  status,
  stream,
} from "../../support/servers/scriptedServer";

const weather: ToolSpec = {
  name: "weather",
  description: "tells the weather",
  parameters: { type: "object", properties: { place: { type: "string" } }, required: ["place"] },
};

const conversation: readonly ChatMessage[] = [
  { role: "system", content: "be brief" },
  { role: "user", content: "how is Rome?" },
  {
    role: "assistant",
    content: "",
    thought: "I must look",
    calls: [{ id: "c1", name: "weather", arguments: { place: "Rome", days: 2 } }],
  },
  { role: "tool", content: "sunny", call: "c1", name: "weather" },
  { role: "assistant", content: "Sunny." },
  { role: "user", content: "and Oslo?" },
];

const emptyStream: Script = (response) => {
  beginStream(response);
  response.end();
};

describe("An answer of a server", () => {
  const scripted = scriptedServer();

  const ask = async (script: Script, request = {}) => {
    scripted.server.play(script);
    const asked = new Asked(scripted.server.url);
    const answer = await asked.answer({ newId: newIds(), ...request });
    return { ...answer, text: asked.text, thought: asked.thought };
  };

  it("comes as text, with its end and its figures", async () => {
    const usage = { prompt_tokens: 20, completion_tokens: 2, prompt_tokens_details: { cached_tokens: 16 } };
    const answer = await ask(
      stream(delta({ role: "assistant", content: "" }), said("Hel"), said("lo"), ended(), counted(usage)),
    );
    assert.equal(answer.text, "Hello");
    assert.equal(answer.finishReason, "stop");
    assert.deepEqual(answer.usage, { promptTokens: 20, cachedTokens: 16, completionTokens: 2 });
    assert.deepEqual([answer.calls, answer.dropped, answer.thought], [[], [], ""]);
  });

  it("is asked for in OpenAI's words", async () => {
    await ask(stream(said("x"), ended()), {
      messages: conversation,
      tools: [weather, { name: "now", description: "the time" }],
      toolMode: "required",
      thoughtField: "reasoning_content",
      thinking: "off",
      sampling: {
        ...{ temperature: 0, topP: 0.9, topK: 40, minP: 0.1, maxTokens: 50, seed: 7, stop: ["END"] },
        ...{ presencePenalty: 0.5, frequencyPenalty: 0.25 },
      },
    });
    const [request] = scripted.server.requests;
    assert.equal(request?.path, "/v1/chat/completions");
    assert.equal(request.headers["content-type"], "application/json");
    assert.equal(Number(request.headers["content-length"]), Buffer.byteLength(request.body));
    assert.deepEqual(request.json, {
      model: "tiny",
      messages: [
        { role: "system", content: "be brief" },
        { role: "user", content: "how is Rome?" },
        {
          role: "assistant",
          content: "",
          reasoning_content: "I must look",
          tool_calls: [
            { id: "c1", type: "function", function: { name: "weather", arguments: '{"place":"Rome","days":2}' } },
          ],
        },
        { role: "tool", tool_call_id: "c1", name: "weather", content: "sunny" },
        { role: "assistant", content: "Sunny." },
        { role: "user", content: "and Oslo?" },
      ],
      tools: [
        { type: "function", function: { ...weather } },
        {
          type: "function",
          function: { name: "now", description: "the time", parameters: { type: "object", properties: {} } },
        },
      ],
      tool_choice: "required",
      ...{ temperature: 0, top_p: 0.9, top_k: 40, min_p: 0.1, presence_penalty: 0.5, frequency_penalty: 0.25 },
      ...{ seed: 7, max_tokens: 50, stop: ["END"], chat_template_kwargs: { enable_thinking: false } },
      stream: true,
      stream_options: { include_usage: true },
    });
  });

  it("is asked for as JSON of a schema", async () => {
    const schema = { type: "object", properties: { a: { type: "integer" } } };
    await ask(stream(said("{}"), ended()), { jsonSchema: schema });
    assert.deepEqual(scripted.server.requests[0]?.json["response_format"], {
      type: "json_schema",
      json_schema: { name: "answer", schema, strict: true },
    });
    await ask(stream(said("{}"), ended()), { jsonSchema: true });
    assert.deepEqual(scripted.server.requests[1]?.json["response_format"], { type: "json_object" });
  });

  it("is asked for with the schema in another place where the server knows only that", async () => {
    const schema = { type: "object", properties: { response_format: { type: "integer" } } };
    const words = "1 validation error:\n  {'type': 'literal_error', 'loc': ('body', 'response_format', 'type')}";
    const asked = new Asked(scripted.server.url);
    scripted.server.play(failing(500, words), stream(said("{}"), ended()));
    await asked.answer({ jsonSchema: schema });
    assert.deepEqual(scripted.server.requests[1]?.json["response_format"], { type: "json_object", schema });
    scripted.server.play(failing(500, words));
    await rejection(asked.answer({ jsonSchema: schema }), "SERVER_REFUSED", /response_format/);
    assert.equal(scripted.server.requests.length, 4, "each form is tried once");
  });

  it("is asked for without a stream where the stream is empty", async () => {
    const asked = new Asked(scripted.server.url);
    const message = { role: "assistant", content: "Hello" };
    scripted.server.play(emptyStream, json({ choices: [{ message, finish_reason: "stop" }] }));
    await asked.answer();
    assert.deepEqual([asked.text, asked.waits], ["Hello", []]);
    const [first, second] = scripted.server.requests.map((request) => request.json);
    assert.deepEqual([second?.["stream"], second?.["stream_options"]], [false, undefined]);
    assert.deepEqual(second?.["messages"], first?.["messages"]);
    const full = "maximum context length is 256 tokens. However, you requested 331 tokens (331 in the messages";
    scripted.server.play(emptyStream, failing(400, full));
    const { facts } = await rejection(asked.answer(), "CONTEXT_FULL", /331/);
    assert.deepEqual([facts["needed"], facts["context"]], [331, 256]);
    scripted.server.play(emptyStream);
    await rejection(asked.answer(), "SERVER_FAILURE", /in the middle/);
  });

  it("is asked for without what is not set", async () => {
    await ask(stream(said("x"), ended()));
    const [request] = scripted.server.requests;
    assert.deepEqual(request?.json, {
      model: "tiny",
      messages: [{ role: "user", content: "hello" }],
      stream: true,
      stream_options: { include_usage: true },
    });
    assert.equal(request.headers.authorization, undefined);
  });

  it("is asked for with a text that begins as the one before it", async () => {
    const bodies: string[] = [];
    for (let length = 2; length <= conversation.length; length++) {
      await ask(stream(said("x"), ended()), { messages: conversation.slice(0, length), tools: [weather] });
      bodies.push(scripted.server.requests.at(-1)?.body ?? "");
    }
    const messagesOf = (body: string) => body.slice(0, body.indexOf(',"tools"') - 1).replace(/\]$/, "");
    for (let at = 1; at < bodies.length; at++) {
      const before = messagesOf(bodies[at - 1] ?? "");
      assert.ok(bodies[at]?.startsWith(before), `${before}\n${bodies[at]}`);
    }
  });

  it("is continued where the last message is an answer", async () => {
    const messages: readonly ChatMessage[] = [
      { role: "user", content: "count" },
      { role: "assistant", content: "one, " },
    ];
    const { text } = await ask(stream(said("<think>"), said("two"), ended()), { messages });
    assert.equal(text, "<think>two", "a mark inside an answer is text");
    const { add_generation_prompt, continue_final_message } = scripted.server.requests[0]?.json ?? {};
    assert.deepEqual([add_generation_prompt, continue_final_message], [false, true]);
  });

  for (const field of ["reasoning_content", "reasoning"] as const) {
    it(`has its thought apart where the server sends it as ${field}`, async () => {
      const answer = await ask(
        stream(delta({ [field]: "let me " }), delta({ [field]: "see" }), said("<think>4"), ended()),
      );
      assert.deepEqual([answer.thought, answer.text], ["let me see", "<think>4"]);
      assert.equal(answer.thoughtField, field);
    });
  }

  it("has a thought once that comes under both names", async () => {
    const answer = await ask(stream(delta({ reasoning: "hm", reasoning_content: "hm" }), said("4"), ended()));
    assert.equal(answer.thought, "hm");
  });

  it("has its thought apart where the server leaves it in the text", async () => {
    const answer = await ask(stream(...[..."<think>\nhm </ think>\n</think>\n\n4 <think>"].map(said), ended()));
    assert.deepEqual([answer.thought, answer.text], ["hm </ think>\n", "4 <think>"]);
    assert.equal(answer.thoughtField, undefined);
  });

  it("has its thought apart where the content has parts", async () => {
    const thinking = [{ type: "text", text: "hm" }];
    const content = [{ type: "thinking", thinking }, { type: "text", text: "4" }, { type: "image" }, 7];
    const answer = await ask(stream(delta({ content }), ended()));
    assert.deepEqual([answer.thought, answer.text], ["hm", "4"]);
  });

  it("may come whole although a stream was asked for", async () => {
    const message = { role: "assistant", content: "Hello", reasoning_content: "hm" };
    const answer = await ask(json({ choices: [{ message, finish_reason: "length" }], usage: { prompt_tokens: 3 } }));
    assert.deepEqual([answer.text, answer.thought, answer.finishReason], ["Hello", "hm", "length"]);
    assert.deepEqual(answer.usage, { promptTokens: 3 });
  });

  it("takes every form of events: comments, CRLF, split characters, no empty line at the end", async () => {
    const text = [
      ": keepalive 12/40",
      "",
      `data: ${JSON.stringify(said("grü"))}`,
      "",
      "event: message",
      `data: ${JSON.stringify(said("ß 👋"))}`,
      "",
      `data: ${JSON.stringify(ended())}`,
      "",
      "data: [DONE]",
    ].join("\r\n");
    const answer = await ask(async (response) => {
      response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
      for (const byte of Buffer.from(text)) {
        if (!response.write(Buffer.of(byte))) await new Promise((done) => response.once("drain", done));
      }
      response.end();
    });
    assert.equal(answer.text, "grüß 👋");
  });

  it("is a stream where it looks like one, whatever its type is called", async () => {
    const bodies = [
      `data: ${JSON.stringify(said("x"))}\n\ndata: ${JSON.stringify(ended())}\n\ndata: [DONE]\n\n`,
      `\n: begins\n\ndata:${JSON.stringify(said("x"))}\r\rdata:${JSON.stringify(ended())}\r\rdata:[DONE]\r\r`,
    ];
    for (const body of bodies) {
      for (const type of [
        "Text/Event-Stream",
        "text/plain; charset=utf-8",
        "application/json",
        "application/x-ndjson",
      ]) {
        const answer = await ask(status(200, body, { "content-type": type }));
        assert.deepEqual([answer.text, answer.finishReason], ["x", "stop"], type);
      }
      assert.equal((await ask(status(200, body))).text, "x");
    }
    const whole = JSON.stringify({ choices: [{ message: { content: "x" }, finish_reason: "stop" }] });
    assert.equal((await ask(status(200, whole, { "content-type": "text/plain" }))).text, "x");
  });

  it("of the type of text comes piece by piece", async () => {
    scripted.server.play(async (response) => {
      response.writeHead(200, { "content-type": "text/plain" });
      response.write(`data: ${JSON.stringify(said("first"))}\n\n`);
      while (asked.text === "") await new Promise((done) => setTimeout(done, 1));
      response.end(`data: ${JSON.stringify(ended())}\n\n`);
    });
    const asked = new Asked(scripted.server.url);
    await asked.answer();
    assert.equal(asked.text, "first");
  });

  it("ends although the server forgets the end of the stream", async () => {
    const answer = await ask((response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(`data: ${JSON.stringify(said("x"))}\n\ndata: ${JSON.stringify(ended())}\n\n`);
    });
    assert.deepEqual([answer.text, answer.finishReason], ["x", "stop"]);
  });

  it("is asked for again without what the server does not know, and next time at once", async () => {
    const client = new ServerClient({ url: scripted.server.url }, quickOptions);
    const request = {
      model: "tiny",
      messages: [{ role: "user", content: "hi" }],
      sampling: { topK: 4, minP: 0.1, maxTokens: 9 },
      newId: newIds(),
      readCall: callReader([]),
    } as const;
    scripted.server.play(
      failing(400, "Unrecognized request argument supplied: top_k"),
      status(422, JSON.stringify({ detail: [{ type: "extra_forbidden", loc: ["body", "min_p"] }] })),
      failing(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."),
      stream(said("x"), ended()),
    );
    await client.chat(request, undefined, () => {});
    await client.chat(request, undefined, () => {});
    client.close();
    const sent = scripted.server.requests.map(({ json: { top_k, min_p, max_tokens, max_completion_tokens } }) => [
      top_k,
      min_p,
      max_tokens,
      max_completion_tokens,
    ]);
    assert.deepEqual(sent, [
      [4, 0.1, 9, undefined],
      [undefined, 0.1, 9, undefined],
      [undefined, undefined, 9, undefined],
      [undefined, undefined, undefined, 9],
      [undefined, undefined, undefined, 9],
    ]);
  });

  it("is refused where a server refuses what every server knows", async () => {
    scripted.server.play(failing(400, "temperature must be at most 2"));
    await rejection(
      new Asked(scripted.server.url).answer({ sampling: { temperature: 9 } }),
      "SERVER_REFUSED",
      /at most 2/,
    );
    assert.equal(scripted.server.requests.length, 1);
  });
});

describe("The models of a server", () => {
  const scripted = scriptedServer();
  const list = async (value: unknown) => {
    scripted.server.models = json(value);
    const client = new ServerClient({ url: scripted.server.url, key: "k" }, quickOptions);
    try {
      return await client.listModels();
    } finally {
      client.close();
    }
  };

  it("are listed with their contexts, where it tells them", async () => {
    const models = await list({
      data: [
        { id: "vllm", max_model_len: 32768 },
        { id: "llama.cpp", meta: { n_ctx_train: 131072, n_ctx: 4096 } },
        { id: "router", context_length: 200000 },
        { id: "plain" },
        { id: "odd", max_model_len: "many" },
      ],
    });
    assert.deepEqual(models, [
      { name: "vllm", contextTokens: 32768 },
      { name: "llama.cpp", contextTokens: 4096 },
      { name: "router", contextTokens: 200000 },
      { name: "plain" },
      { name: "odd" },
    ]);
    assert.equal(scripted.server.requests[0]?.headers.authorization, "Bearer k");
  });

  it("leave out what is no name", async () => {
    assert.deepEqual(
      await list({ data: [{ id: "" }, { id: 7 }, null, { id: "a\u001b[31m" }, { id: "x".repeat(600) }] }),
      [],
    );
  });

  it("are refused where the answer is no list", async () => {
    await rejection(list({ data: "none" }), "SERVER_FAILURE", /lists no models/);
    await rejection(list([1, 2]), "SERVER_FAILURE", /lists no models/);
  });

  it("can be tried with one question", async () => {
    scripted.server.play(
      stream(delta({ reasoning: "hm " }), said("OK"), ended("length"), counted({ prompt_tokens: 9 })),
    );
    const client = new ServerClient({ url: scripted.server.url }, quickOptions);
    const { text, ms, usage } = await client.testRequest("tiny");
    client.close();
    assert.deepEqual([text, usage], ["hm OK", { promptTokens: 9 }]);
    assert.ok(ms > 0);
    assert.equal(scripted.server.requests[0]?.json["max_tokens"], 16);
  });
});
