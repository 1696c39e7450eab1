import type { ToolMode, ToolSpec } from "../common/tools";
import { AnswerDecoder } from "./answerDecoder";
import { ChatTemplate } from "./chatTemplate";
import { eosIds } from "./eos";
import type { PromptBuilder } from "./prompt";
import { TemplatePromptBuilder } from "./promptBuilder";
import { opensThought, thinkingIds } from "./thinkingIds";
import { thinkingPairs } from "./thinkingMarks";
import { ThinkingSplitter } from "./thinkingSplitter";
import { TextTokenizer } from "./tokenizer";
import { newCallId } from "./tools/callId";
import type { Constraint } from "./tools/constraint";
import { toolFormatOf } from "./tools/detect";
import { openers, type ToolFormat } from "./tools/formats";
import { isHarmonyCall } from "./tools/harmonyMessages";
import { type AskedConstraint, modelConstraint } from "./tools/modelConstraint";
import { ToolCallParser } from "./tools/parser";
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
  /** How the model writes calls. Absent: it takes no tools. */
  readonly toolFormat?: ToolFormat;
  /** Ids that end an answer. */
  readonly stopIds: readonly number[];
  /** Ids of the marks that open a call; none where a mark is no token of its own, or a call has no mark. */
  readonly callOpenerIds: readonly number[];
  /**
   * `prompt`: the ids before the answer, which may have opened its thought. `tools`: those that the prompt declares;
   * absent, empty, or a model without a tool format: the answer is text only.
   */
  startAnswer(stopStrings: readonly string[], prompt?: Int32Array, tools?: AnswerTools): AnswerDecoder;
  /** What the answer behind `prompt` may be. `undefined`: anything. Throws as `modelConstraint`. */
  constraint(asked: AskedConstraint, prompt: Int32Array): Constraint | undefined;
}

/** The tools that an answer may call. */
export interface AnswerTools {
  readonly tools: readonly ToolSpec[];
  /** "none": what looks like a call is text. */
  readonly mode: ToolMode;
}

const nothing = new Int32Array(0);

export function createTextModel(files: TextFiles): TextModel {
  const tokenizer = TextTokenizer.create(files.tokenizer, files.tokenizerConfig);
  const template = ChatTemplate.create(files.tokenizerConfig, files.chatTemplate);
  const specialIds = new Map(tokenizer.specials.tokens.map(({ content, id }) => [content, id]));
  const idOf = (token: string) => specialIds.get(token);
  const toolFormat = template && toolFormatOf(template);
  const stopIds = eosIds(files, (token) => tokenizer.idOf(token), toolFormat?.ends);
  const stops = new Set(stopIds);
  const marks = thinkingIds(idOf);
  const forms = turnTokens(template, tokenizer.specials);
  const structure = new Set(tokenizer.specials.tokens.filter(forms).map(({ id }) => id));
  const parserOf = (given: AnswerTools | undefined) => {
    if (toolFormat === undefined || given === undefined || given.mode === "none") return undefined;
    if (given.tools.length === 0) return undefined;
    return new ToolCallParser({ format: toolFormat, tools: given.tools, idOf, newId: newCallId });
  };
  const isOpened = (prompt: Int32Array) => opensThought(prompt, marks, (id) => structure.has(id));
  const thought = thinkingPairs.find(({ open, close }) => idOf(open) !== undefined && idOf(close) !== undefined);
  return {
    tokenizer,
    prompts: new TemplatePromptBuilder(tokenizer, template, stops, forms),
    hasChatTemplate: template !== undefined,
    ...(toolFormat === undefined ? {} : { toolFormat }),
    stopIds,
    // Harmony's marks open every message.
    callOpenerIds:
      toolFormat === undefined || toolFormat.shape === "harmony"
        ? []
        : openers(toolFormat).flatMap((mark) => idOf(mark) ?? []),
    constraint: (asked, prompt) =>
      modelConstraint(
        {
          startsInThought: isOpened(prompt),
          ...(toolFormat === undefined ? {} : { toolFormat }),
          ...(thought === undefined ? {} : { thought }),
        },
        asked,
      ),
    startAnswer: (stopStrings, prompt = nothing, tools = undefined) => {
      const parser = parserOf(tools);
      const isCall = toolFormat?.shape === "harmony" && parser !== undefined ? isHarmonyCall : undefined;
      const splitter = new ThinkingSplitter(marks, isOpened(prompt), isCall);
      return new AnswerDecoder(tokenizer, stops, stopStrings, splitter, parser);
    },
  };
}
