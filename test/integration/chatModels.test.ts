import assert from "node:assert/strict";
import * as vscode from "vscode";
import { commands } from "../../src/extension/contributions";
import {
  cachedOf,
  called,
  hostModel,
  hostModels,
  joined,
  longOpening,
  picture,
  recentRequests,
  request,
  result,
  said,
  usageOf,
  user,
} from "./chatModels";
import { run } from "./support";

const starter = "SmolLM2-135M-Instruct";

/** Instructions that take some time to read, as agents' do. */
const rules = Array.from({ length: 60 }, (_, i) => `Rule ${i + 1}: answer in few words, and name no source.`).join(
  "\n",
);

const weather = {
  name: "weather",
  description: "Tells the weather of a city",
  inputSchema: {
    type: "object",
    properties: {
      city: { type: "string", description: "Its name" },
      day: { type: "string", enum: ["today", "tomorrow"] },
    },
    required: ["city"],
  },
};

const clock = { name: "clock", description: "Tells the time", inputSchema: { type: "object", properties: {} } };

describe("Resident's models in VS Code's chat", () => {
  it("are listed without signing in, with their limits and ids of their own", async () => {
    const models = await hostModels();
    const found = await hostModel(starter);
    assert.ok(models.every(({ vendor }) => vendor === "resident"));
    assert.equal(new Set(models.map(({ id }) => id)).size, models.length);
    assert.match(found.id, /^resident-smollm2-135m-instruct-[0-9a-f]{8}$/);
    assert.ok(found.maxInputTokens > 1000 && found.maxInputTokens < 8192, `${found.maxInputTokens} tokens`);
  });

  it("answer in several parts, with their figures once at the end", async () => {
    const modelOptions = { max_tokens: 40 };
    const answer = await request(await hostModel(starter), [user("Write a long story about the sea.")], {
      modelOptions,
    });
    assert.ok(answer.texts.length > 1, `the answer came in ${answer.texts.length} parts`);
    const usage = usageOf(answer);
    assert.equal(usage.completion_tokens, 40);
    const [latest] = await recentRequests();
    assert.deepEqual(
      [latest?.figures.promptTokens, latest?.figures.reusedTokens],
      [usage.prompt_tokens, usage.prompt_tokens_details.cached_tokens],
    );
  });

  it("read a conversation once: the next message costs what is new in it", async () => {
    const model = await hostModel(starter);
    const chat = { conversation: "mars" };
    const opening = [user(rules), user("How warm is it on Mars?")];
    const first = await request(model, opening, chat);
    const next = [...opening, said(first.texts.join("")), user("And on Venus?")];
    const second = await request(model, next, chat);
    assert.ok(cachedOf(second) >= usageOf(first).prompt_tokens, `${cachedOf(second)} reused`);
    const third = await request(model, next, chat);
    assert.equal(cachedOf(third), usageOf(third).prompt_tokens - 1);
    console.log(`      TTFT ${[first, second, third].map(({ ttftMs }) => `${ttftMs.toFixed(0)} ms`).join(", ")}`);
  });

  it("count tokens as they are read", async () => {
    const model = await hostModel(starter);
    const short = user("Tell me of the sea.");
    const long = user("Tell me of the sea, of its 1,024 islands, and of żółw the turtle. ".repeat(3));
    const [shortTokens, longTokens] = await Promise.all([model.countTokens(short), model.countTokens(long)]);
    const read = async (message: object) => usageOf(await request(model, [message])).prompt_tokens;
    assert.equal((await read(long)) - (await read(short)), longTokens - shortTokens);
    const words = "the turtle swims";
    assert.ok((await model.countTokens(words)) >= 3 && (await model.countTokens(words)) < shortTokens);
  });

  it("count many small texts quickly", async () => {
    const model = await hostModel(starter);
    const startedAt = performance.now();
    const counted = await Promise.all(Array.from({ length: 300 }, (_, i) => model.countTokens(`line ${i} of a file`)));
    const tookMs = performance.now() - startedAt;
    assert.ok(counted.every((tokens) => tokens > 0));
    assert.ok(tookMs < 3000, `${tookMs} ms`);
    console.log(`      300 texts in ${tookMs.toFixed(0)} ms`);
  });

  it("stop at once when a request is cancelled, and keep what they have read", async () => {
    const model = await hostModel(starter);
    const source = new vscode.CancellationTokenSource();
    const messages = [user(rules), user("Write a long story about the desert.")];
    let cancelledAt = 0;
    const options = {
      conversation: "desert",
      modelOptions: { max_tokens: 600 },
      token: source.token,
      onText: () => {
        cancelledAt ||= performance.now();
        source.cancel();
      },
    };
    await request(model, messages, options).catch(() => {}); // a host may end the stream with an error
    assert.ok(cancelledAt > 0);
    assert.ok(performance.now() - cancelledAt < 2000);
    const again = await request(model, messages);
    const { prompt_tokens, prompt_tokens_details } = usageOf(again);
    assert.ok(
      prompt_tokens_details.cached_tokens >= prompt_tokens - 1,
      `${prompt_tokens_details.cached_tokens} reused`,
    );
  });

  it("name a clock in the first line of the instructions", async () => {
    const model = await hostModel(starter);
    await request(model, [user(`It is 10:41:07.\n${rules}`), user("Hello")], { conversation: "monday" });
    await request(model, [user(`It is 10:42:19.\n${rules}`), user("Hello")], { conversation: "tuesday" });
    const [latest] = await recentRequests();
    const departure = latest?.figures.departure;
    assert(departure, "no departure is told");
    assert.match(departure.before, /1:07/);
    assert.match(departure.now, /2:19/);
    assert.ok(departure.atToken < 40, `at token ${departure.atToken}`);
  });

  it("answer three small requests beside a chat, which keeps its place", async () => {
    const model = await hostModel(starter);
    const messages = [user(rules), user("Name three rivers.")];
    const chat = { conversation: "rivers" };
    const alone = await request(model, messages, chat);
    const small = ["Title this chat", "Name the intent", "Polish this code"].map((text) =>
      request(model, [user(text)]),
    );
    const [beside] = await Promise.all([request(model, messages, chat), ...small]);
    assert(beside);
    assert.equal(cachedOf(beside), usageOf(beside).prompt_tokens - 1);
    assert.equal(beside.texts.join(""), alone.texts.join(""));
    assert.equal(cachedOf(await request(model, messages, chat)), usageOf(alone).prompt_tokens - 1);
  });

  it("read a long conversation, for the next window", async () => {
    const answer = await request(await hostModel(starter), longOpening, { conversation: "rules" });
    console.log(`      TTFT ${answer.ttftMs.toFixed(0)} ms, ${usageOf(answer).prompt_tokens} tokens read`);
    assert.equal(answer.texts.join("") === "", false);
  });

  it("refuse what does not fit with both numbers, and images in words", async () => {
    const model = await hostModel(starter);
    await assert.rejects(request(model, [user("many words ".repeat(20_000))]), /\d,\d{3}.*\d,\d{3}/);
    await assert.rejects(request(model, [user("ten MB ".repeat(1_500_000))]), /10,500,000 characters.*4,194,304/);
    await assert.rejects(request(model, [picture()]), /image.*text only/i);
  });

  it("answer from disk or memory after the engine was started again", async () => {
    const model = await hostModel(starter);
    const before = await request(model, [user("Say hello.")]);
    await run(commands.restartEngine);
    const after = await request(model, [user("Say hello.")]);
    assert.equal(after.texts.join(""), before.texts.join(""));
  });
});

describe("tools in VS Code's chat", () => {
  const tools = [weather, clock];

  it("that a model's template has no place for are refused with the reason", async () => {
    await assert.rejects(request(await hostModel(starter), [user("How warm is it in Paris?")], { tools }), /tools/i);
  });

  it("give the same prompt whatever order they and their keys come in", async () => {
    const model = await hostModel("with-tools");
    const messages = [user(rules), user("How warm is it in Paris?")];
    const first = await request(model, messages, { tools });
    const { properties, required, type } = weather.inputSchema;
    const { city, day } = properties;
    const turned = {
      inputSchema: { required, properties: { day: { enum: day.enum, type: day.type }, city }, type },
      description: weather.description,
      name: weather.name,
    };
    const second = await request(model, messages, { tools: [clock, turned] });
    assert.equal(usageOf(second).prompt_tokens, usageOf(first).prompt_tokens);
    assert.ok(cachedOf(second) >= usageOf(first).prompt_tokens - 1, `${cachedOf(second)} reused`);
  });

  it("leave what was read in place when their results come", async () => {
    const model = await hostModel("with-tools");
    const chat = { tools, conversation: "paris" };
    const opening = [user("How warm is it in Paris?")];
    const first = await request(model, opening, chat);
    const after = [...opening, called("c1", "weather", { city: "Paris" }), result("c1", "20 degrees")];
    const second = await request(model, after, chat);
    assert.ok(cachedOf(second) >= usageOf(first).prompt_tokens - 1, `${cachedOf(second)} reused`);
    const third = await request(model, after, chat);
    assert.equal(cachedOf(third), usageOf(third).prompt_tokens - 1);
  });

  it("are called where they must be, and the answer goes on with the result", async () => {
    const model = await hostModel("with-tools");
    const chat = { tools: [weather], conversation: "must" };
    const opening = [user("How warm is it in Paris?")];
    const first = await request(model, opening, { ...chat, toolMode: 2, modelOptions: { max_tokens: 200 } });
    assert.ok(first.calls.length > 0, `no call in "${first.texts.join("")}"`);
    assert.equal(first.texts.join("").trim(), "", "an answer that must call has calls only");
    for (const { name, input } of first.calls) {
      assert.equal(name, "weather");
      assert.equal(typeof Reflect.get(input, "city"), "string");
    }
    const said = joined(first.calls.map(({ callId, name, input }) => called(callId, name, input)));
    const results = first.calls.map(({ callId }) => result(callId, "20 degrees"));
    const after = [...opening, said, ...results];
    const answer = await request(model, after, chat);
    assert.ok(cachedOf(answer) >= usageOf(first).prompt_tokens, `${cachedOf(answer)} reused`);
  });
});
