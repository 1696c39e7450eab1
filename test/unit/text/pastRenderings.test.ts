import assert from "node:assert/strict";
import fc from "fast-check";
import { answerMessage, userInput } from "../../../src/common/messages";
import { ChatTemplate } from "../../../src/text/chatTemplate";
import { messagesOf, Past } from "../../../src/text/past";
import type { PromptBuilder } from "../../../src/text/prompt";
import { TemplatePromptBuilder } from "../../../src/text/promptBuilder";
import { createTextModel, type TextModel } from "../../../src/text/textModel";
import { TextTokenizer } from "../../../src/text/tokenizer";
import { byteLevelTokenizer } from "../../support/text/tinyTokenizers";

const chatml =
  "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}" +
  "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
const end = "<|im_end|>";

/** Ways in which real templates differ: those of the first list can be taken up behind a turn. */
const resumable: Readonly<Record<string, string>> = {
  chatml,
  "default system prompt": `{% if messages[0]['role'] != 'system' %}<|im_start|>system\nBe nice${end}{% endif %}${chatml}`,
  "the rest of the list": `{% if messages[0].role == 'system' %}{% set s = messages[0].content | trim %}{% set loop_messages = messages[1:] %}{% else %}{% set s = '' %}{% set loop_messages = messages %}{% endif %}{{ s }}{% for m in loop_messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('alternate') }}{% endif %}{% set role = 'model' if m.role == 'assistant' else m.role %}<|im_start|>{{ role }} {{ m.content | trim }}${end}{% endfor %}<|im_start|>model`,
  "no system message": `{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}${chatml}`,
  "the last message": `{% for m in messages %}{% if loop.last %}[now] {% endif %}<|im_start|>{{ m.role }} {{ m.content }}{% if not loop.last %}${end}{% endif %}{% endfor %}`,
  "the system prompt goes with the last question": `{% for m in messages %}{% if loop.last and messages[0].role == 'system' %}{{ messages[0].content }}\n{% endif %}{% if m.role != 'system' %}<|im_start|>{{ m.content }}${end}{% endif %}{% endfor %}`,
  "the message before": `{% for m in messages %}{% if loop.first or messages[loop.index0 - 1].role != m.role %}<|im_start|>{{ m.role }}{% endif %} {{ m.content }}${end}{% endfor %}{% if messages[-1].role == 'user' %}<|im_start|>answer{% endif %}`,
  "notes from one message to the next": `{% for m in messages %}{% if m.role == 'user' %}{% set asked = m.content %}{% endif %}<|im_start|>{{ asked }}>{{ m.content }}${end}{% endfor %}`,
  "no end of turn": "{% for m in messages %}<|im_start|>{{ m.content }}{% endfor %}<|im_start|>",
  "tools that nobody has": `{% if tools %}{{ messages | length }}{% endif %}{% for m in messages %}{% if m.role == 'tool' %}{{ messages[loop.index0 + 1] }}{% endif %}<|im_start|>{{ m.content }}${end}{% endfor %}`,
  "thinking removed from every answer": `{% for m in messages %}<|im_start|>{{ m.content.split('</think>')[-1] }}${end}{% endfor %}<|im_start|>`,
};
const whole: Readonly<Record<string, string>> = {
  "thinking stays in the last answer": `{% for m in messages %}<|im_start|>{% if loop.revindex > 2 %}{{ m.content.split('</think>')[-1] }}{% else %}{{ m.content }}{% endif %}${end}{% endfor %}<|im_start|>`,
  "the number of messages": `{{ messages | length }}${chatml}`,
  "a namespace": `{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}<|im_start|>{{ ns.n }} {{ m.content }}${end}{% endfor %}`,
  "from the end": `{% for m in messages[::-1] %}<|im_start|>{{ m.content }}${end}{% endfor %}`,
  "the next message": `{% for m in messages %}<|im_start|>{{ m.content }}{{ loop.nextitem.role if loop.nextitem is defined }}${end}{% endfor %}`,
  "two loops": `{% for m in messages %}{{ m.role }}{% endfor %}${chatml}`,
  "questions only": `{% for m in messages if m.role == 'user' %}<|im_start|>{{ m.content }}${end}{% endfor %}`,
  "a break": `{% for m in messages %}{% if m.content == 'hello' %}{% break %}{% endif %}<|im_start|>{{ m.content }}${end}{% endfor %}`,
  "a list in a macro": `{% macro n() %}{{ messages | length }}{% endmacro %}{{ n() }}${chatml}`,
  "a list in a list": `{% set l = [messages] %}{{ l[0] | length }}${chatml}`,
};

function modelWith(chat_template: string): TextModel {
  return createTextModel({
    tokenizer: byteLevelTokenizer(),
    tokenizerConfig: { chat_template, eos_token: end },
    config: {},
  });
}

const piece = fc.constantFrom(
  "hello",
  " wor",
  "x",
  "\n",
  " ",
  "<|im_end|>",
  "<|im_start|>",
  "<think>",
  "a</think>b",
  "é",
  "\uFDD0",
  "\uFDD1",
);
const content = fc.array(piece, { maxLength: 6 }).map((list) => list.join(""));
const system = fc.constantFrom("", "", "Be brief.", " <|im_end|>s ");
/** A turn behind an earlier one: answered as the model would write it or in other ids, cut or closed. */
const step = fc.record({
  behind: fc.nat(12),
  system,
  user: content,
  answer: content,
  draft: content,
  letters: fc.boolean(),
  cut: fc.boolean(),
  unbuilt: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
});
type Step = Parameters<Parameters<typeof step.map>[0]>[0];

/** What it resolves to, or why it rejects: of a conversation that the template refuses. */
async function outcomeOf(prompt: Promise<unknown>): Promise<unknown> {
  try {
    return await prompt;
  } catch (error) {
    assert.match(String(error), /INVALID_REQUEST/);
    return String(error);
  }
}

async function grow(template: string, reference: TextModel, steps: readonly Step[]): Promise<void> {
  const { prompts, tokenizer } = modelWith(template);
  const whole = reference.prompts;
  const stop = tokenizer.idOf(end) ?? -1;
  const pasts: (Past | undefined)[] = [undefined];
  for (const { behind, system: instructions, user, answer, draft, letters, cut, unbuilt } of steps) {
    const past = pasts[behind % pasts.length];
    const dialogue = { system: instructions, past, input: userInput(user) };
    const history = past?.segments() ?? [];
    assert.deepEqual(
      await outcomeOf(prompts.aheadAfter({ ...dialogue, input: userInput(draft) })),
      await outcomeOf(whole.ahead(messagesOf(instructions, past, userInput(draft)), history)),
    );
    const expected = outcomeOf(whole.build(messagesOf(instructions, past, userInput(user)), history));
    assert.deepEqual(await outcomeOf(prompts.buildAfter(dialogue)), await expected);
    const built = await prompts.buildAfter(dialogue).catch(() => undefined);
    const encoded = letters
      ? [...answer].flatMap((letter) => tokenizer.encodeText(letter))
      : tokenizer.encodeText(answer);
    const turn = { input: userInput(user), answer: answerMessage(tokenizer.decode(encoded)) };
    const said = { ids: Int32Array.from(cut ? encoded : [...encoded, stop]), text: turn.answer.content };
    const isUnbuilt = unbuilt || built === undefined;
    const added = isUnbuilt ? [] : [...built.added, ...prompts.answerSegments(said)];
    pasts.push(new Past(past, { ...turn, keep: isUnbuilt ? Number.POSITIVE_INFINITY : built.keptSegments, added }));
  }
}

/** A builder, and how often it renders a conversation from its first message. */
function countingBuilder(source: string): { readonly prompts: PromptBuilder; readonly rendered: () => number } {
  const template = ChatTemplate.create({ chat_template: source });
  assert.ok(template !== undefined);
  let count = 0;
  const render = template.renderPlaced.bind(template);
  template.renderPlaced = (messages, continueAnswer, options) => {
    count += 1;
    return render(messages, continueAnswer, options);
  };
  const tokenizer = TextTokenizer.create(byteLevelTokenizer(), {});
  return { prompts: new TemplatePromptBuilder(tokenizer, template, new Set()), rendered: () => count };
}

describe("A prompt that goes on behind a past", () => {
  for (const [name, template] of Object.entries({ ...resumable, ...whole })) {
    it(`is the one that the whole rendering gives: ${name}`, async function () {
      this.timeout(20_000);
      const reference = modelWith(template);
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 10 }), (steps) => grow(template, reference, steps)),
        { numRuns: 15 },
      );
    });
  }

  it("is rendered from where the past ends, where the template cannot tell the difference", async () => {
    for (const [name, template] of Object.entries({ ...resumable, ...whole })) {
      const { prompts, rendered } = countingBuilder(template);
      let past: Past | undefined;
      let before = 0;
      for (let turn = 0; turn < 12; turn += 1) {
        const input = userInput(`question ${turn}`);
        const { added, keptSegments } = await prompts.buildAfter({ system: "", past, input });
        if (past === undefined) before = rendered();
        await prompts.aheadAfter({
          system: "",
          past: past ?? new Past(undefined, noTurn),
          input: userInput("a draft"),
        });
        past = new Past(past, { input, answer: answerMessage("hello"), keep: keptSegments, added });
      }
      assert.equal(rendered() - before > 0, name in whole, name);
    }
  });

  it("begins with the instructions as they are now", async () => {
    const { prompts, tokenizer } = modelWith(chatml);
    const first = await prompts.buildAfter({ system: "Be brief.", past: undefined, input: userInput("hello") });
    const past = new Past(undefined, {
      input: userInput("hello"),
      answer: answerMessage("x"),
      keep: 0,
      added: first.added,
    });
    for (const system of ["Be brief.", "Be long.", "Be brief."]) {
      const { ids } = await prompts.buildAfter({ system, past, input: userInput("x") });
      assert.ok(tokenizer.decode(ids).startsWith(`<|im_start|>system\n${system}${end}`));
    }
  });
});

const noTurn = { input: userInput(""), answer: answerMessage(""), keep: 0, added: [] };
