import assert from "node:assert/strict";
import fc from "fast-check";
import { answerMessage, userInput } from "../../../src/common/messages";
import type { AnswerMessage, ChatMessage } from "../../../src/text/messages";
import { messagesOf, Past } from "../../../src/text/past";
import { shortCallId } from "../../../src/text/shortCallId";
import { type ToolFamily, toolFamilies } from "../../support/text/toolFamilies";
import {
  callingAnswer,
  callOf,
  modelOf,
  pastWith,
  question,
  resultOf,
  spelled,
  tools,
} from "../../support/text/toolRounds";

const families = Object.entries(toolFamilies);
const idOf = (round: number) => `call_${round}`;

async function fourRounds(family: ToolFamily): Promise<void> {
  const model = modelOf(family);
  const { prompts, tokenizer } = model;
  const reference = modelOf(family).prompts;
  let past: Past | undefined;
  let input: readonly ChatMessage[] = question;
  for (let round = 0; round < 5; round += 1) {
    const built = await prompts.buildAfter({ system: "", tools, past, input });
    const whole = await reference.build(messagesOf("", past, input), past?.segments() ?? [], undefined, { tools });
    assert.deepEqual(built, whole);
    if (past !== undefined) {
      const read = tokenizer.decode(built.ids.subarray(built.agreedTokens));
      const id = idOf(round - 1);
      assert.equal(
        read,
        family.frame(`line ${round - 1}`, family.template.includes("length 9") ? shortCallId(id) : id),
      );
      assert.equal(built.agreedTokens, past.numTokens);
    }
    const text = round % 2 === 0 ? "" : "Let me see.";
    const { answer, said } = callingAnswer(family, `a${round}.txt`, idOf(round), text);
    past = pastWith(prompts, past, input, built, answer, spelled(model, said + family.stop));
    input = [resultOf(callOf("", idOf(round)), `line ${round}`)];
  }
}

describe("A turn with tool rounds", () => {
  for (const [name, family] of families) {
    it(`reads in each round nothing but the result and its frame: ${name}`, () => fourRounds(family));
  }

  const qwen = toolFamilies["Qwen 3"];
  assert.ok(qwen !== undefined);

  it("leaves its thoughts out behind the next question, as the template does, and is then read as the template writes it", async () => {
    const model = modelOf(qwen);
    const { prompts, tokenizer } = model;
    const first = await prompts.buildAfter({ system: "", tools, past: undefined, input: question });
    const { answer, said } = callingAnswer(qwen, "a.txt", "c", "");
    const one = pastWith(prompts, undefined, question, first, answer, spelled(model, said + qwen.stop));
    const results = [resultOf(callOf("", "c"), "line")];
    const second = await prompts.buildAfter({ system: "", tools, past: one, input: results });
    const two = pastWith(prompts, one, results, second, answerMessage("Done."), spelled(model, `Done.${qwen.stop}`));
    const third = await prompts.buildAfter({ system: "", tools, past: two, input: userInput("x") });
    assert.equal(third.agreedTokens, first.ids.length);
    const read = tokenizer.decode(third.ids.subarray(third.agreedTokens));
    assert.ok(
      read.startsWith('<tool_call>\n{"name": "read_file", "arguments": {"path": "a.txt"}}\n</tool_call><|im_end|>'),
      read,
    );
    assert.ok(!read.includes("well"));
    const three = pastWith(
      prompts,
      two,
      userInput("x"),
      third,
      answerMessage("Yes."),
      spelled(model, `Yes.${qwen.stop}`),
    );
    const fourth = await prompts.buildAfter({ system: "", tools, past: three, input: userInput("y") });
    assert.equal(fourth.agreedTokens, three.numTokens);
  });

  it("reads only the answer again that the history does not hold as it was said", async () => {
    for (const [name, family] of families) {
      const model = modelOf(family);
      const { prompts, tokenizer } = model;
      const first = await prompts.buildAfter({ system: "", tools, past: undefined, input: question });
      const { answer } = callingAnswer(family, "a.txt", "call_a", "");
      // Nothing of what was said is known by its ids.
      const one = pastWith(prompts, undefined, question, first, answer, new Int32Array(0));
      const results = [resultOf(callOf("", "call_a"), "line")];
      const second = await prompts.buildAfter({ system: "", tools, past: one, input: results });
      assert.equal(second.agreedTokens, first.ids.length, name);
      const text = tokenizer.decode(second.ids.subarray(second.agreedTokens));
      assert.ok(text.includes("read_file") && text.includes("a.txt") && text.includes("line"), text);
      const next = callingAnswer(family, "b.txt", "call_b", "");
      const two = pastWith(prompts, one, results, second, next.answer, spelled(model, next.said + family.stop));
      const third = await prompts.buildAfter({
        system: "",
        tools,
        past: two,
        input: [resultOf(callOf("", "call_b"), "more")],
      });
      assert.equal(third.agreedTokens, two.numTokens, name);
    }
  });

  it("is continued where an answer with calls was cut", async () => {
    for (const [name, family] of families) {
      const model = modelOf(family);
      const { prompts, tokenizer } = model;
      const first = await prompts.buildAfter({ system: "", tools, past: undefined, input: question });
      const { answer, said } = callingAnswer(family, "a.txt", "call_a", "");
      const one = pastWith(prompts, undefined, question, first, answer, spelled(model, said));
      const results = [resultOf(callOf("", "call_a"), "line")];
      const built = await prompts.buildAfter({ system: "", tools, past: one, input: results });
      const whole = await modelOf(family).prompts.build(messagesOf("", one, results), one.segments(), undefined, {
        tools,
      });
      assert.deepEqual(built, whole);
      if (name === "Harmony" || name.startsWith("Gemma")) continue;
      assert.equal(built.agreedTokens, one.numTokens, name);
      assert.ok(tokenizer.decode(built.ids.subarray(built.agreedTokens)).includes("line"));
    }
  });

  it("has results in the order of the calls, in whatever order they come", async () => {
    for (const [name, family] of families) {
      const calls = ["b", "a", "c"].map((path) => callOf(path, `call_${path}`));
      const asked: ChatMessage[] = [...question, { role: "assistant", content: "", calls }];
      const results = calls.map((call) => resultOf(call, `text of ${call.id}`));
      const { prompts, tokenizer } = modelOf(family);
      const ids = (await prompts.build([...asked, ...results], [], undefined, { tools })).ids;
      const other = (await prompts.build([...asked, ...results.reverse()], [], undefined, { tools })).ids;
      assert.deepEqual([...other], [...ids], name);
      const text = tokenizer.decode(ids);
      const places = calls.map((call) => text.indexOf(`text of ${call.id}`));
      assert.ok((places[0] ?? -1) >= 0 && places.every((place, i) => i === 0 || place > (places[i - 1] ?? 0)), text);
    }
  });
});

const piece = fc.constantFrom(
  ...["hello", " wor", "x", "\n", " ", "<|im_end|>", "<tool_call>", "</tool_response>", "<think>", "a</think>b"],
  ...["[TOOL_CALLS]", "é", "\uFDD0", '"', "{"],
);
const content = fc.array(piece, { maxLength: 4 }).map((list) => list.join(""));
const step = fc.record({
  behind: fc.nat(12),
  system: fc.constantFrom("", "", "Be brief."),
  hasTools: fc.integer({ min: 0, max: 4 }).map((n) => n > 0),
  text: content,
  draft: content,
  kind: fc.constantFrom("calls", "calls", "raw", "plain"),
  thinks: fc.boolean(),
  letters: fc.boolean(),
  cut: fc.boolean(),
  lost: fc.integer({ min: 0, max: 6 }).map((n) => n === 0),
  goesOn: fc.integer({ min: 0, max: 4 }).map((n) => n > 0),
});
type Step = Parameters<Parameters<typeof step.map>[0]>[0];

async function outcomeOf(prompt: Promise<unknown>): Promise<unknown> {
  try {
    return await prompt;
  } catch (error) {
    assert.match(String(error), /INVALID_REQUEST/);
    return String(error);
  }
}

async function grow(family: ToolFamily, steps: readonly Step[], reference: ReturnType<typeof modelOf>): Promise<void> {
  const model = modelOf(family);
  const { prompts } = model;
  const pasts: (Past | undefined)[] = [undefined];
  for (const [number, asked] of steps.entries()) {
    const { behind, system, hasTools, text, draft, kind, thinks, letters, cut, lost, goesOn } = asked;
    const past = pasts[behind % pasts.length];
    const calls = past?.answer.calls ?? [];
    const results = calls.map((call) => resultOf(call, text));
    const input = results.length > 0 && goesOn ? results : [...results, ...userInput(text)];
    const frame = { system, ...(hasTools ? { tools } : {}) };
    const history = past?.segments() ?? [];
    const { system: _, ...options } = frame;
    const drafted = [...results, ...userInput(draft)];
    assert.deepEqual(
      await outcomeOf(prompts.aheadAfter({ ...frame, past, input: drafted })),
      await outcomeOf(reference.prompts.ahead(messagesOf(system, past, drafted), history, undefined, options)),
    );
    const expected = await outcomeOf(
      reference.prompts.build(messagesOf(system, past, input), history, undefined, options),
    );
    assert.deepEqual(await outcomeOf(prompts.buildAfter({ ...frame, past, input })), expected);
    const built = await prompts.buildAfter({ ...frame, past, input }).catch(() => undefined);
    const thought = thinks ? (family.thought ?? "") : "";
    const raw = family.say(`${number}`, text);
    const answer: AnswerMessage = {
      ...answerMessage(text, thought),
      ...(kind === "calls" ? { calls: [callOf(`${number}`, `call_${number}`)] } : {}),
      ...(kind === "plain" ? {} : { raw }),
    };
    const said = thought + (kind === "plain" ? model.tokenizer.specials.escape(text) : raw) + (cut ? "" : family.stop);
    const ids = letters ? spelled(model, said) : Int32Array.from(model.tokenizer.encodeMarked(said));
    if (built === undefined || lost)
      pasts.push(new Past(past, { input, answer, keep: Number.POSITIVE_INFINITY, added: [] }));
    else pasts.push(pastWith(prompts, past, input, built, answer, ids));
  }
}

describe("A prompt with tools that goes on behind a past", () => {
  for (const [name, family] of families) {
    it(`is the one that the whole rendering gives: ${name}`, async function () {
      this.timeout(20_000);
      const reference = modelOf(family);
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 8 }), (steps) => grow(family, steps, reference)),
        { numRuns: 12 },
      );
    });
  }
});
