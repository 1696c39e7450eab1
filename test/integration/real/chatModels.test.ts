/**
 * A real model behind VS Code's language models. Times are printed, for a quiet machine: what is asserted is what was
 * reused and called.
 */
import assert from "node:assert/strict";
import * as vscode from "vscode";
import { cachedOf, called, joined, request, result, usageOf, user } from "../chatModels";
import { instructions, opening, realModel, tools } from "./conversation";

describe("a real model in VS Code's chat", () => {
  it("reads 8,000 tokens once", async () => {
    const model = await realModel();
    const cold = await request(model, opening, { tools, conversation: "long" });
    const { prompt_tokens } = usageOf(cold);
    assert.ok(prompt_tokens > 7500 && prompt_tokens < 9500, `${prompt_tokens} tokens`);
    const again = await request(model, opening, { tools, conversation: "long" });
    assert.ok(cachedOf(again) >= 0.99 * prompt_tokens, `${cachedOf(again)} of ${prompt_tokens} reused`);
    console.log(
      `      TTFT ${cold.ttftMs.toFixed(0)} ms for ${prompt_tokens} tokens (${cachedOf(cold)} reused), then ${again.ttftMs.toFixed(0)} ms`,
    );
  });

  it("makes calls that fit their schemas, and answers from their results", async () => {
    const model = await realModel();
    const asked = [user("Open src/main.ts, carefully.")];
    const chat = { tools, conversation: "tools" };
    const first = await request(model, asked, { ...chat, toolMode: 2, modelOptions: { max_tokens: 200 } });
    const [call] = first.calls;
    assert(call, `no call in "${first.texts.join("")}"`);
    assert.ok(tools.some(({ name }) => name === call.name));
    assert.equal(typeof Reflect.get(call.input, "path"), "string");
    assert.match(String(Reflect.get(call.input, "how")), /^(quickly|carefully)$/);
    const said = joined(first.calls.map(({ callId, name, input }) => called(callId, name, input)));
    const results = first.calls.map(({ callId }) => result(callId, "1: export const answer = 42;"));
    const answer = await request(model, [...asked, said, ...results], { ...chat, modelOptions: { max_tokens: 60 } });
    assert.ok(answer.texts.join("") !== "" || answer.calls.length > 0);
    assert.ok(cachedOf(answer) >= usageOf(first).prompt_tokens, `${cachedOf(answer)} reused`);
    console.log(
      `      called ${call.name}(${JSON.stringify(call.input)}), then: ${answer.texts.join("").slice(0, 80)}`,
    );
  });

  it("is free within a step of a cancellation while it reads, and keeps what it has read", async () => {
    const model = await realModel();
    const source = new vscode.CancellationTokenSource();
    const asked = [user(instructions.split("\n").reverse().slice(0, 80).join("\n")), user("Which rule comes first?")];
    const cut = request(model, asked, { conversation: "cut", token: source.token });
    setTimeout(() => source.cancel(), 3000);
    await cut.catch(() => {}); // a host may end the stream with an error
    const from = performance.now();
    await request(model, [user("Say yes.")]);
    const ms = performance.now() - from;
    const again = await request(model, asked, { conversation: "cut" });
    assert.ok(cachedOf(again) > 0, "nothing of the cancelled reading was kept");
    const { prompt_tokens } = usageOf(again);
    console.log(
      `      a small request behind it took ${ms.toFixed(0)} ms; ${cachedOf(again)} of ${prompt_tokens} tokens kept`,
    );
  });

  it("answers three small requests beside a chat, which reads nothing again", async () => {
    const model = await realModel();
    const chat = { tools, conversation: "long" };
    const times = { alone: 0, beside: 0 };
    const rounds = 3;
    for (let round = 0; round < rounds; round += 1) {
      const next = (words: string) => [user(instructions), user(`${words} ${round}?`)];
      const alone = await request(model, next("Which change is named by rule"), chat);
      const small = ["Title this chat", "Name the intent", "Polish this code"].map((text) =>
        request(model, [user(`${text} ${round}.`)]),
      );
      const [beside] = await Promise.all([request(model, next("Which file is named by rule"), chat), ...small]);
      assert(beside);
      assert.ok(cachedOf(beside) >= 0.98 * usageOf(beside).prompt_tokens, `${cachedOf(beside)} reused`);
      times.alone += alone.ttftMs / rounds;
      times.beside += beside.ttftMs / rounds;
    }
    const { alone, beside } = times;
    console.log(
      `      TTFT ${alone.toFixed(0)} ms alone, ${beside.toFixed(0)} ms beside: ${(beside / alone).toFixed(2)} times`,
    );
  });
});
