import { AnswerDecoder } from "./answerDecoder";
import { ChatTemplate } from "./chatTemplate";
import { eosIds } from "./eos";
import type { PromptBuilder } from "./prompt";
import { TemplatePromptBuilder } from "./promptBuilder";
import { opensThought, thinkingIds } from "./thinkingIds";
import { ThinkingSplitter } from "./thinkingSplitter";
import { TextTokenizer } from "./tokenizer";
import { turnTokens } from "./turnTokens";

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
  /** `prompt`: the ids before the answer, which may have opened its thought. */
  startAnswer(stopStrings: readonly string[], prompt?: Int32Array): AnswerDecoder;
}

const nothing = new Int32Array(0);

export function createTextModel(files: TextFiles): TextModel {
  const tokenizer = TextTokenizer.create(files.tokenizer, files.tokenizerConfig);
  const template = ChatTemplate.create(files.tokenizerConfig, files.chatTemplate);
  const stopIds = eosIds(files, (token) => tokenizer.idOf(token));
  const stops = new Set(stopIds);
  const marks = thinkingIds((token) => tokenizer.specials.tokens.find(({ content }) => content === token)?.id);
  const forms = turnTokens(template, tokenizer.specials);
  const structure = new Set(tokenizer.specials.tokens.filter(forms).map(({ id }) => id));
  return {
    tokenizer,
    prompts: new TemplatePromptBuilder(tokenizer, template, stops, forms),
    hasChatTemplate: template !== undefined,
    stopIds,
    startAnswer: (stopStrings, prompt = nothing) => {
      const splitter = new ThinkingSplitter(
        marks,
        opensThought(prompt, marks, (id) => structure.has(id)),
      );
      return new AnswerDecoder(tokenizer, stops, stopStrings, splitter);
    },
  };
}
