import { ResidentError } from "../common/errors";
import { createFormats } from "../common/format";
import { objectOf } from "../common/json";

/** Counts in tokens, as far as the server tells them. */
export interface ContextNumbers {
  readonly needed?: number;
  readonly context?: number;
}

const number = String.raw`(\d[\d,]*)`;

/** Words of servers whose context a prompt does not fit, with the two numbers where they are told. */
const sentences: readonly {
  readonly pattern: RegExp;
  readonly needed?: number;
  readonly context?: number;
}[] = [
  // llama.cpp
  {
    pattern: new RegExp(
      String.raw`request \(${number} tokens\) exceeds the available context size \(${number} tokens\)`,
    ),
    needed: 1,
    context: 2,
  },
  { pattern: /exceeds? the available context size/ },
  // llama-cpp-python
  { pattern: new RegExp(`Requested tokens \\(${number}\\) exceed context window of ${number}`), needed: 1, context: 2 },
  // SGLang
  {
    pattern: new RegExp(
      String.raw`maximum context length of ${number} tokens\. You requested a total of ${number} tokens`,
    ),
    context: 1,
    needed: 2,
  },
  {
    pattern: new RegExp(
      String.raw`input \(${number} tokens\) is longer than the model's context length \(${number} tokens\)`,
    ),
    needed: 1,
    context: 2,
  },
  // OpenAI, vLLM and those who took their words
  {
    pattern: new RegExp(
      `maximum context length is ${number} tokens[^]*?(?:resulted in|requested|request has|prompt contains(?: at least)?) ${number} `,
    ),
    context: 1,
    needed: 2,
  },
  {
    pattern: new RegExp(String.raw`prompt \(length ${number}\) is longer than the maximum model length of ${number}`),
    needed: 1,
    context: 2,
  },
  { pattern: new RegExp(`maximum context length is ${number} tokens`), context: 1 },
  // LM Studio
  { pattern: new RegExp(`context length of only ${number} tokens`), context: 1 },
  { pattern: new RegExp(`keep the first ${number} tokens when context the overflows`), needed: 1 },
  // others
  { pattern: new RegExp(`prompt is too long: ${number} tokens > ${number}`), needed: 1, context: 2 },
  { pattern: new RegExp(`prompt_tokens=${number}, max_prompt_tokens=${number}`), needed: 1, context: 2 },
  { pattern: /input length exceeds the context length/ },
  { pattern: /context[_ ]length[_ ]exceeded|exceed_context_size_error/ },
];

/** The numbers of an error that says that the prompt is too long; `undefined`: it says something else. */
export function contextNumbers(error: unknown, words: string): ContextNumbers | undefined {
  for (const { pattern, needed, context } of sentences) {
    const found = pattern.exec(words);
    if (found === null) continue;
    return {
      ...numbersIn(error),
      ...counted("needed", found[needed ?? -1]),
      ...counted("context", found[context ?? -1]),
    };
  }
  const { code, type } = objectOf(error);
  const isOurs = [code, type].some(
    (mark) => mark === "context_length_exceeded" || mark === "exceed_context_size_error",
  );
  return isOurs ? numbersIn(error) : undefined;
}

/** The members that llama.cpp adds. */
function numbersIn(error: unknown): ContextNumbers {
  const { n_prompt_tokens: needed, n_ctx: context } = objectOf(error);
  return {
    ...(typeof needed === "number" ? { needed } : {}),
    ...(typeof context === "number" ? { context } : {}),
  };
}

function counted(name: "needed" | "context", text: string | undefined): ContextNumbers {
  return text === undefined ? {} : { [name]: Number(text.replaceAll(",", "")) };
}

const { count } = createFormats("en");

/** `facts`: `needed` and `context` in tokens, where they are known, `host`; `cause` is "server". */
export function serverContextFull(host: string, { needed, context }: ContextNumbers): ResidentError {
  const size = context === undefined ? "" : ` of ${count(context)} tokens`;
  const long = needed === undefined ? "the conversation" : `the conversation needs ${count(needed)} tokens and`;
  return new ResidentError(
    "CONTEXT_FULL",
    `${long} does not fit the context${size} that ${host} gives this model`,
    "rewind to an earlier turn, keep the last turns only, or start the server with a larger context",
    {
      host,
      cause: "server",
      ...(needed === undefined ? {} : { needed }),
      ...(context === undefined ? {} : { context }),
    },
  );
}
