import assert from "node:assert/strict";
import { answerMessage, userInput } from "../../../src/common/messages";
import type { ChatMessage, Segment } from "../../../src/text/messages";
import { Past } from "../../../src/text/past";
import { createTextModel } from "../../../src/text/textModel";
import { shapes } from "../../support/text/hardTexts";

interface Form {
  readonly template: string;
  readonly end: string;
  /** What the template makes of a question and of an answer. */
  readonly question: (text: string) => string;
  readonly answer: (text: string) => string;
  /** The text before an answer that the model says itself. */
  readonly before: string;
  /** Tokens that are read again: the end of the answer, where the template writes a space before it. */
  readonly reread: number;
}

const instructions: Form = {
  template:
    "{% for m in messages %}{% if m.role == 'user' %}<s>[INST] {{ m.content }} [/INST]" +
    "{% else %} {{ m.content }} </s>{% endif %}{% endfor %}",
  end: "</s>",
  question: (text) => `<s>[INST] ${text} [/INST]`,
  answer: (text) => ` ${text} </s>`,
  before: " ",
  reread: 1,
};
const lines: Form = {
  template:
    "{% for m in messages %}<s>{{ m.role }}\n{{ m.content }}</s>\n{% endfor %}" +
    "{% if add_generation_prompt %}<s>assistant\n{% endif %}",
  end: "</s>",
  question: (text) => `<s>user\n${text}</s>\n<s>assistant\n`,
  answer: (text) => `${text}</s>\n`,
  before: "",
  reread: 0,
};
/** `<|end|>` takes the white space after it, as in Phi 3. */
const ends: Form = {
  template:
    "{% for m in messages %}{{ m.role }}\n{{ m.content }}<|end|>\n{% endfor %}" +
    "{% if add_generation_prompt %}assistant\n{% endif %}",
  end: "<|end|>",
  question: (text) => `user\n${text}<|end|>\nassistant\n`,
  answer: (text) => `${text}<|end|>\n`,
  before: "",
  reread: 0,
};

const cases: Readonly<Record<string, readonly (readonly [shape: string, form: Form])[]>> = {
  "[INST] and a space before an answer": [
    ["Llama 2", instructions],
    ["Llama 2, tokens in the normalised text", instructions],
    ["Mistral 0.3", instructions],
    ["a space before each section", instructions],
  ],
  "a line for the role": [
    ["Llama 2", lines],
    ["a space before each section, cut into words", lines],
    ["no space before", lines],
    ["Gemma", lines],
    ["GPT-2 with a space before", lines],
  ],
  "an end that takes white space": [["tokens with flags", ends]],
};
const answers = ["The rest", "for it", "return x"];

const sum = (segments: readonly Segment[]) => segments.reduce((count, { ids }) => count + ids.length, 0);

function modelOf(name: string, { template, end }: Form) {
  const shape = shapes.shapes[name];
  const tokenizer = { ...shapes.bases[shape?.base ?? ""], ...shape?.tokenizer };
  return createTextModel({ tokenizer, tokenizerConfig: { chat_template: template, eos_token: end }, config: {} });
}

describe("Later turns have the ids of the whole conversation", () => {
  for (const [title, list] of Object.entries(cases)) {
    for (const [name, form] of list) {
      it(`${title}: ${name}`, async () => {
        const { prompts, tokenizer } = modelOf(name, form);
        const user = "and 1";
        const messages: ChatMessage[] = [];
        let history: readonly Segment[] = [];
        let past: Past | undefined;
        let rendering = "";
        for (const answer of answers) {
          messages.push({ role: "user", content: user });
          const built = await prompts.build(messages, history);
          const reread = history.length === 0 ? 0 : form.reread;
          assert.equal(built.agreedTokens, sum(history) - reread, "what was read and said is kept");
          rendering += form.question(user);
          assert.deepEqual([...built.ids], tokenizer.encodeMarked(rendering));
          assert.deepEqual(
            [...(await prompts.buildAfter({ system: "", past, input: userInput(user) })).ids],
            [...built.ids],
          );

          const said = tokenizer.encodeMarked(rendering + form.before + answer).slice(built.ids.length);
          const ids = Int32Array.from([...said, tokenizer.idOf(form.end) ?? -1]);
          const added = [...built.added, ...prompts.answerSegments({ ids, text: answer })];
          history = [...history.slice(0, built.keptSegments), ...added];
          past = new Past(past, {
            input: userInput(user),
            answer: answerMessage(answer),
            keep: built.keptSegments,
            added,
          });
          messages.push({ role: "assistant", content: answer });
          rendering += form.answer(answer);
        }
      });
    }
  }
});
