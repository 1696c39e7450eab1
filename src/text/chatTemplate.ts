import { Environment, Interpreter, Template } from "@huggingface/jinja";
import { InvalidRequestError, ResidentError } from "../common/errors";
import { isObject, listOf, objectOf, tokenText } from "./json";
import type { ChatMessage } from "./messages";
import { NotResumable, TemplateWalk, type WalkInput } from "./templateWalk";

/** The template refused the conversation (`raise_exception`): the model does not support its form. */
class Refusal extends Error {}

/** A model's chat template: messages to text. */
export class ChatTemplate {
  private constructor(
    private readonly template: Template,
    private readonly variables: Readonly<Record<string, string>>,
    private readonly knowsDate: boolean,
  ) {}

  /**
   * Takes the parsed tokenizer_config.json (`chat_template`: a text, or a list of named ones of which "default" is
   * meant), or a template file beside it. undefined: the model has none. MODEL_UNSUPPORTED: it cannot be parsed.
   */
  static create(tokenizerConfig: unknown, templateFile?: string): ChatTemplate | undefined {
    const config = objectOf(tokenizerConfig);
    const source = templateFile ?? templateSource(config["chat_template"]);
    if (source === undefined) return undefined;
    const variables: Record<string, string> = {};
    for (const name of ["bos_token", "eos_token", "unk_token", "pad_token"]) {
      const text = tokenText(config[name]);
      if (text !== undefined) variables[name] = text;
    }
    try {
      // A template that works without the date gets none: the date would change the prompt, and lose the cache, every
      // day.
      return new ChatTemplate(new Template(source), variables, !/strftime_now\s+is\s+(not\s+)?defined/.test(source));
    } catch (error) {
      throw brokenTemplate(error);
    }
  }

  /** `continueAnswer`: ends with the opening of an answer. INVALID_REQUEST when the template refuses the messages. */
  render(messages: readonly ChatMessage[], continueAnswer: boolean): string {
    const environment = this.globals(continueAnswer, formatNow);
    environment.set(
      "messages",
      messages.map(({ role, content }) => ({ role, content })),
    );
    const text = run(() => new Interpreter(environment).run(this.template.parsed).value);
    if (typeof text === "string") return text;
    throw brokenTemplate(new Error("it returns no text"));
  }

  /**
   * As `render` with the opening of an answer, but resumed where an earlier walk ended: what the template writes
   * before, in and after its loop over the messages. `undefined`: this template cannot be resumed. Throws as `render`
   * does.
   */
  walk(input: Omit<WalkInput, "body" | "globals">): TemplateWalk | undefined {
    const globals = this.globals(true, () => {
      throw new NotResumable("it uses the current time");
    });
    const walk = new TemplateWalk({ ...input, body: this.template.parsed.body, globals });
    try {
      run(() => walk.walk());
      return walk;
    } catch (error) {
      if (error instanceof NotResumable) return undefined;
      throw error;
    }
  }

  private globals(continueAnswer: boolean, strftimeNow: (format: string) => string): Environment {
    const environment = new Environment();
    for (const [name, text] of Object.entries(this.variables)) environment.set(name, text);
    environment.set("add_generation_prompt", continueAnswer);
    for (const [name, value] of constants) environment.set(name, value);
    environment.set("raise_exception", (reason: unknown) => {
      throw new Refusal(String(reason));
    });
    environment.set("range", range);
    if (this.knowsDate) environment.set("strftime_now", strftimeNow);
    return environment;
  }
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

const constants: readonly (readonly [string, boolean | null])[] = [
  ["true", true],
  ["false", false],
  ["none", null],
  ["True", true],
  ["False", false],
  ["None", null],
];

function range(first: number, second?: number, step = 1): number[] {
  const [start, stop] = second === undefined ? [0, first] : [first, second];
  const count = step === 0 ? 0 : Math.max(0, Math.ceil((stop - start) / step));
  return Array.from({ length: count }, (_, i) => start + i * step);
}

/** The parts of strftime that chat templates use. */
function formatNow(format: string): string {
  const now = new Date();
  const two = (value: number) => String(value).padStart(2, "0");
  const named = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat("en-US", options).format(now);
  const parts: Readonly<Record<string, string>> = {
    "%d": two(now.getDate()),
    "%m": two(now.getMonth() + 1),
    "%Y": String(now.getFullYear()),
    "%y": two(now.getFullYear() % 100),
    "%H": two(now.getHours()),
    "%M": two(now.getMinutes()),
    "%S": two(now.getSeconds()),
    "%b": named({ month: "short" }),
    "%B": named({ month: "long" }),
    "%a": named({ weekday: "short" }),
    "%A": named({ weekday: "long" }),
    "%%": "%",
  };
  return format.replace(/%[a-zA-Z%]/g, (part) => parts[part] ?? part);
}

function templateSource(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  const named = listOf(value).filter(isObject);
  const chosen = named.find(({ name }) => name === "default") ?? named[0];
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
