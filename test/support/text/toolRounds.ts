import { answerMessage, userInput } from "../../../src/common/messages";
import type { ToolCall, ToolSpec } from "../../../src/common/tools";
import type { AnswerMessage, ChatMessage, Segment } from "../../../src/text/messages";
import { Past } from "../../../src/text/past";
import type { BuiltPrompt, PromptBuilder } from "../../../src/text/prompt";
import { createTextModel, type TextModel } from "../../../src/text/textModel";
import { byteLevelTokenizer } from "./tinyTokenizers";
import type { ToolFamily } from "./toolFamilies";

export const readFile: ToolSpec = {
  name: "read_file",
  description: "Reads a file.",
  parameters: {
    type: "object",
    properties: { path: { type: "string", description: "Its path." } },
    required: ["path"],
  },
};
export const tools: readonly ToolSpec[] = [readFile];

export function modelOf({ template, control, words, stop }: ToolFamily): TextModel {
  const added = [
    ...control.map((content) => ({ content, special: true })),
    ...words.map((content) => ({ content, special: false })),
  ];
  const tokenizerConfig = { chat_template: template, bos_token: control[0], eos_token: stop };
  return createTextModel({ tokenizer: byteLevelTokenizer(added), tokenizerConfig, config: {} });
}

/** Marked text in ids that no tokenizer would give: the plain parts letter by letter. */
export function spelled({ tokenizer }: TextModel, marked: string): Int32Array {
  const ids = tokenizer.specials
    .split(marked)
    .flatMap((stretch) =>
      stretch.kind === "special"
        ? [stretch.token.id]
        : [...stretch.text].flatMap((letter) => [...tokenizer.encodeText(letter, "middle")]),
    );
  return Int32Array.from(ids);
}

export function callOf(path: string, id: string): ToolCall {
  return { id, name: readFile.name, arguments: { path } };
}

export function resultOf({ id, name }: ToolCall, content: string): ChatMessage {
  return { role: "tool", content, call: id, name };
}

/** An answer that calls the tool once: as a message, and what was said. */
export function callingAnswer(family: ToolFamily, path: string, id: string, text: string) {
  const { thought = "" } = family;
  const said = family.speaks ? text : "";
  const raw = family.say(path, said);
  const answer: AnswerMessage = { ...answerMessage(said, thought), calls: [callOf(path, id)], raw };
  return { answer, said: thought + raw };
}

/** The past with one more turn, whose answer was said in `ids`. */
export function pastWith(
  prompts: PromptBuilder,
  past: Past | undefined,
  input: readonly ChatMessage[],
  built: BuiltPrompt,
  answer: AnswerMessage,
  ids: Int32Array,
): Past {
  const text = (answer.thought ?? "") + (answer.raw ?? answer.content);
  const added: readonly Segment[] = [...built.added, ...prompts.answerSegments({ ids, text })];
  return new Past(past, { input, answer, keep: built.keptSegments, added });
}

export const question = userInput("hello");
