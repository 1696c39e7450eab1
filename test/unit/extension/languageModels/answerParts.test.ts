import assert from "node:assert/strict";
import { createFormats } from "../../../../src/common/format";
import { AnswerParts } from "../../../../src/extension/languageModels/answerParts";
import { missingAnswer } from "../../../../src/extension/languageModels/missingAnswer";
import type { GenerationEvent } from "../../../../src/protocol/service";
import { fakeHost, fakeParts, told } from "../../../support/extension/fakeChatHost";
import { figures } from "../../../support/extension/fakeService";

type Done = Extract<GenerationEvent, { type: "done" }>;

const formats = createFormats("en");
const usage =
  'usage {"prompt_tokens":30,"completion_tokens":2,"total_tokens":32,"prompt_tokens_details":{"cached_tokens":20}}';

function done(change: Partial<Done> = {}): Done {
  return { type: "done", text: "", tokenIds: [], finishReason: "stop", figures, ...change };
}

function thinking(text: string): GenerationEvent {
  return { type: "thinking", text, figures };
}

function text(text: string): GenerationEvent {
  return { type: "text", text, figures };
}

const call = { id: "c1", name: "weather", arguments: { city: "Paris" } };

/** The parts of an answer whose events come all at once. */
function parts(events: readonly GenerationEvent[], end: Done, host = fakeParts): readonly string[] {
  const reported: object[] = [];
  const answer = new AnswerParts(host, { report: (part) => reported.push(part) }, "t1");
  for (const event of events) answer.take(event);
  answer.finish(end, formats);
  answer.dispose();
  return told(reported);
}

describe("the parts of an answer", () => {
  it("are text once a frame, and one part with the figures at the end", async () => {
    const reported: object[] = [];
    const answer = new AnswerParts(fakeParts, { report: (part) => reported.push(part) }, "t1");
    for (const word of ["A", " long", " answer"]) answer.take(text(word));
    assert.deepEqual(told(reported), []);
    await new Promise((resolve) => setTimeout(resolve, 40));
    assert.deepEqual(told(reported), ["text A long answer"]);
    answer.take(text("."));
    answer.finish(done({ text: "A long answer." }), formats);
    answer.dispose();
    assert.deepEqual(told(reported), ["text A long answer", "text .", usage]);
  });

  it("tell the thought apart, and when it ends", () => {
    assert.deepEqual(parts([thinking("Hm"), thinking("!"), text("Yes")], done({ text: "Yes", thought: "Hm!" })), [
      "thought Hm!",
      "thought ends",
      "text Yes",
      usage,
    ]);
    assert.deepEqual(
      parts([thinking("Hm"), { type: "call", call, figures }], done({ calls: [call], finishReason: "calls" })),
      ["thought Hm", "thought ends", 'call c1 weather {"city":"Paris"}', usage],
    );
  });

  it("leave the thought out where the host has no part for it", () => {
    const { parts: host } = fakeHost({ LanguageModelThinkingPart: undefined });
    assert.deepEqual(parts([thinking("Hm"), text("Yes")], done({ text: "Yes", thought: "Hm" }), host), [
      "text Yes",
      usage,
    ]);
  });

  it("keep text and calls in their order", () => {
    const second = { ...call, id: "c2" };
    const events: readonly GenerationEvent[] = [
      { type: "prefill", done: 1, total: 1, reused: 0, tokensPerSecond: 1 },
      text("I look."),
      { type: "call", call, figures },
      { type: "call", call: second, figures },
    ];
    const end = done({ text: "I look.", calls: [call, second], finishReason: "calls" });
    assert.deepEqual(
      parts(events, end).map((part) => part.split(" {")[0]),
      ["text I look.", "call c1 weather", "call c2 weather", "usage"],
    );
  });

  it("have a sentence in place of nothing", () => {
    const [said = "", end] = parts([thinking("Hm")], done({ thought: "Hm" })).slice(2);
    assert.match(said, /^text \*The model only thought/);
    assert.equal(end, usage);
    assert.match(parts([text(" \n")], done({ text: " \n" })).at(-2) ?? "", /^text \*The model gave an empty answer/);
  });

  it("say behind the text that a call was not made", () => {
    const dropped = { reason: "cut", name: "weather", text: "<tool_call>" } as const;
    const end = done({ text: "I look.", dropped, finishReason: "length" });
    const shown = parts([text("I look."), { type: "dropped", dropped }], end);
    assert.equal(shown[0], "text I look.");
    assert.match(
      shown[1] ?? "",
      /^text \n\n\*The model was calling the tool weather when the answer's limit was reached/,
    );
  });

  it("that came before a failure are shown", () => {
    const reported: object[] = [];
    const answer = new AnswerParts(fakeParts, { report: (part) => reported.push(part) }, "t1");
    answer.take(thinking("Hm"));
    answer.flush();
    answer.dispose();
    assert.deepEqual(told(reported), ["thought Hm", "thought ends"]);
  });
});

describe("the sentence in place of an answer", () => {
  it("is not there where the answer speaks for itself", () => {
    assert.equal(missingAnswer(done({ text: "Yes" }), formats), undefined);
    assert.equal(missingAnswer(done({ calls: [call] }), formats), undefined);
    assert.equal(missingAnswer(done({ text: "Yes", finishReason: "length" }), formats), undefined);
  });

  it("says what happened, with the number that was reached", () => {
    const full = { finishReason: "length", figures: { ...figures, generatedTokens: 1024 } } as const;
    assert.match(
      missingAnswer(done({ ...full, thought: "Hm" }), formats) ?? "",
      /thought for 1,024 tokens.*Max Tokens/,
    );
    assert.match(missingAnswer(done(full), formats) ?? "", /limit of 1,024 tokens/);
    assert.match(missingAnswer(done({ finishReason: "aborted" }), formats) ?? "", /stopped/);
    const lost = (reason: "cut" | "malformed" | "unknown", name?: string) =>
      missingAnswer(done({ dropped: { reason, text: "", ...(name === undefined ? {} : { name }) } }), formats) ?? "";
    assert.match(lost("cut"), /calling a tool when its answer ended/);
    assert.match(lost("malformed", "weather"), /the tool weather with arguments that cannot be read/);
    assert.match(lost("unknown", "wether"), /the tool wether, which it was not offered/);
  });
});
