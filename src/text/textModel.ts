import { AnswerDecoder } from "./answerDecoder";
import { ChatTemplate } from "./chatTemplate";
import { eosIds } from "./eos";
import type { PromptBuilder } from "./prompt";
import { TemplatePromptBuilder } from "./promptBuilder";
import { TextTokenizer } from "./tokenizer";

/** The parsed contents of a model directory's text files. */
export interface TextFiles {
  readonly tokenizer: unknown;
  readonly tokenizerConfig: unknown;
  readonly config: unknown;
  readonly generationConfig?: unknown;
  /** `chat_template.jinja`; goes before the one in tokenizerConfig. */
  readonly chatTemplate?: string;
}

/** Everything that one model does with text. */
export interface TextModel {
  readonly tokenizer: TextTokenizer;
  readonly prompts: PromptBuilder;
  readonly hasChatTemplate: boolean;
  /** Ids that end an answer. */
  readonly stopIds: readonly number[];
  startAnswer(stopStrings: readonly string[]): AnswerDecoder;
}

export function createTextModel(files: TextFiles): TextModel {
  const tokenizer = TextTokenizer.create(files.tokenizer, files.tokenizerConfig);
  const template = ChatTemplate.create(files.tokenizerConfig, files.chatTemplate);
  const stopIds = eosIds(files, (token) => tokenizer.idOf(token));
  const stops = new Set(stopIds);
  return {
    tokenizer,
    prompts: new TemplatePromptBuilder(tokenizer, template, stops),
    hasChatTemplate: template !== undefined,
    stopIds,
    startAnswer: (stopStrings) => new AnswerDecoder(tokenizer, stops, stopStrings),
  };
}
