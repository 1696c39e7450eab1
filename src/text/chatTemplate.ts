import { InvalidRequestError, ResidentError } from "../common/errors";
import type { Thinking } from "../common/thinking";
import { textOf } from "./jinja/operations";
import { Template } from "./jinja/template";
import { type Arguments, Callable, toValue, type Value } from "./jinja/values";
import { isObject, type JsonObject, listOf, objectOf, tokenText } from "./json";
import { type TemplateMessage, type ThoughtMember, thoughtMembers } from "./messages";
import { type Place, PlacedRendering } from "./placedRendering";
import { type Day, dayOf, formatDay } from "./strftime";
import { NotResumable, TemplateWalk, type WalkInput } from "./templateWalk";
import { thinkingChoices, thinkingVariables } from "./thinkingVariables";

/** The template refused the conversation (`raise_exception`): the model does not support its form. */
class Refusal extends Error {}

/** What a template is told in addition to the messages. */
export interface TemplateOptions {
  /** For templates that insist on a date. */
  readonly day?: Day;
  /** Absent: the model's own. */
  readonly thinking?: Thinking;
  /** As transformers has them: `{ type: "function", function: { name, description, parameters } }`. */
  readonly tools?: readonly JsonObject[];
  /** Further variables, by the template's names. */
  readonly variables?: JsonObject;
}

/** A rendering, and where it has which message. */
export interface Rendered<M> {
  readonly text: string;
  readonly places: readonly Place<M>[];
}

/** A model's chat template: messages to text. */
export class ChatTemplate {
  private constructor(
    private readonly template: Template,
    /** The one for conversations with tools, where the model has two. */
    private readonly withTools: Template,
    private readonly tokens: ReadonlyMap<string, Value>,
  ) {}

  /**
   * Takes the parsed tokenizer_config.json (`chat_template`: a text, or a list of named ones: "default", and
   * "tool_use" for conversations with tools), or a template file next to it. undefined: the model has none.
   * MODEL_UNSUPPORTED: it cannot be parsed.
   */
  static create(tokenizerConfig: unknown, templateFile?: string): ChatTemplate | undefined {
    const config = objectOf(tokenizerConfig);
    const given = templateFile ?? config["chat_template"];
    const source = templateSource(given, "default");
    if (source === undefined) return undefined;
    const toolSource = templateSource(given, "tool_use");
    const tokens = new Map<string, Value>();
    for (const name of ["bos_token", "eos_token", "unk_token", "pad_token"]) {
      const text = tokenText(config[name]);
      if (text !== undefined) tokens.set(name, text);
    }
    try {
      const template = new Template(source);
      const isOther = toolSource !== undefined && toolSource !== source;
      return new ChatTemplate(template, isOther ? new Template(toolSource) : template, tokens);
    } catch (error) {
      throw brokenTemplate(error);
    }
  }

  /** What it lets its caller choose about thinking. */
  get thinkingChoices(): readonly Thinking[] {
    return thinkingChoices(this.template.names);
  }

  /** The members of an answer's message in which it looks for the thought. */
  get thoughtMembers(): readonly ThoughtMember[] {
    const { members, texts } = this.template.names;
    return thoughtMembers.filter((name) => members.has(name) || texts.has(name));
  }

  /** It looks at the list of tools. */
  get namesTools(): boolean {
    return this.template.names.read.has("tools");
  }

  /** `true`: its text depends on the day. A template that works without a date gets none. */
  get insistsOnDate(): boolean {
    const { read, optional } = this.template.names;
    return read.has(dateFunction) && !optional.has(dateFunction);
  }

  /** `continueAnswer`: ends with the opening of an answer. INVALID_REQUEST when the template refuses the messages. */
  render(messages: readonly TemplateMessage[], continueAnswer: boolean, options: TemplateOptions = {}): string {
    return this.renderPlaced(messages, continueAnswer, options).text;
  }

  /** As `render`, with the places of the messages. */
  renderPlaced<M extends TemplateMessage>(
    messages: readonly M[],
    continueAnswer: boolean,
    options: TemplateOptions = {},
  ): Rendered<M> {
    const rendering = new PlacedRendering(this.variables(continueAnswer, options), messages);
    const text = run(() => rendering.render(this.templateFor(options).body));
    return { text, places: rendering.places };
  }

  /**
   * As `render` with the opening of an answer, but resumed where an earlier walk ended: what the template writes
   * before, in and after its loop over the messages. `undefined`: this template cannot be resumed. Throws as `render`
   * does.
   */
  walk(
    input: Omit<WalkInput<TemplateMessage>, "body" | "variables">,
    options: TemplateOptions = {},
  ): TemplateWalk<TemplateMessage> | undefined {
    const { body } = this.templateFor(options);
    const walk = new TemplateWalk({ ...input, body, variables: this.variables(true, options) });
    try {
      run(() => walk.walk());
      return walk;
    } catch (error) {
      if (error instanceof NotResumable) return undefined;
      throw error;
    }
  }

  private templateFor({ tools, variables }: TemplateOptions): Template {
    return listOf(tools ?? variables?.["tools"]).length > 0 ? this.withTools : this.template;
  }

  /** SmolLM 3 has its own name for them. */
  private nameOfTools(options: TemplateOptions): string {
    const { read } = this.templateFor(options).names;
    return !read.has("tools") && read.has("xml_tools") ? "xml_tools" : "tools";
  }

  private variables(continueAnswer: boolean, options: TemplateOptions): Map<string, Value> {
    const { day, thinking, tools, variables = {} } = options;
    const all = new Map<string, Value>(this.tokens);
    // As transformers' apply_chat_template: None where the caller gives none.
    for (const name of ["tools", "documents"]) all.set(name, null);
    if (tools !== undefined && tools.length > 0) all.set(this.nameOfTools(options), toolsValue(tools));
    const asked = { ...thinkingVariables(this.templateFor(options).names, thinking), ...variables };
    for (const [name, value] of Object.entries(asked)) if (value !== undefined) all.set(name, toValue(value));
    all.set("add_generation_prompt", continueAnswer);
    all.set("raise_exception", new Callable("raise_exception", refuse));
    if (this.insistsOnDate) {
      const at = day ?? dayOf(new Date());
      const format = (args: Arguments) => formatDay(at, textOf(args.required(0, "format")));
      all.set(dateFunction, new Callable(dateFunction, format));
    }
    return all;
  }
}

const dateFunction = "strftime_now";

function refuse(args: Arguments): never {
  throw new Refusal(textOf(args.required(0, "message")));
}

/** Converts what a template throws: it refused the conversation, or it does not work. */
function run<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof NotResumable) throw error;
    if (error instanceof Refusal) throw refused(error.message);
    throw brokenTemplate(error);
  }
}

/** Lists of tools are long and stay the same from prompt to prompt. */
const toolsValues = new WeakMap<readonly JsonObject[], Value>();

function toolsValue(tools: readonly JsonObject[]): Value {
  const value = toolsValues.get(tools) ?? toValue(tools);
  toolsValues.set(tools, value);
  return value;
}

/** The template of that name; where there is none, the first of those that there are. */
function templateSource(value: unknown, wanted: "default" | "tool_use"): string | undefined {
  if (typeof value === "string") return value;
  const named = listOf(value).filter(isObject);
  const chosen = [wanted, "default"].map((each) => named.find(({ name }) => name === each)).find(isObject) ?? named[0];
  const source = chosen?.["template"];
  return typeof source === "string" ? source : undefined;
}

function refused(reason: string): InvalidRequestError {
  return new InvalidRequestError(
    `the model's chat template refuses this conversation: ${reason}`,
    "change the messages, or choose another model",
    { reason },
  );
}

function brokenTemplate(error: unknown): ResidentError {
  const reason = error instanceof Error ? error.message : String(error);
  return new ResidentError(
    "MODEL_UNSUPPORTED",
    `the model's chat template does not work: ${reason}`,
    "choose another model, or generate without a template",
    { reason },
    error,
  );
}
