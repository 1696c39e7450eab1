import type { ReferencePrompt } from "./exp005Prompts";

export interface ReferenceRequest {
  /** Model directory. */
  readonly model: string;
  readonly prompts: readonly ReferencePrompt[];
}

/** What mlx_lm answered to one prompt, greedily. */
export interface ReferenceAnswer {
  readonly name: string;
  readonly promptTokens: number;
  /** A stop id included. */
  readonly tokenIds: readonly number[];
  /** At each token, the distance between the two best logits. */
  readonly gaps: readonly number[];
  readonly finishReason: string;
  /** `tokenizer.decode` of the ids without the stop id. */
  readonly decoded: string;
  /** What `mlx_lm.generate` returns. */
  readonly generated: string;
}

export interface ReferenceRun {
  /** Of mlx_lm and MLX. */
  readonly versions: string;
  readonly answers: readonly ReferenceAnswer[];
}

export interface ReferenceHooks {
  /** Called with what the reference is at: so many of its prompts are answered. */
  onAnswered(done: number): void;
  readonly signal: AbortSignal;
}

/** Runs the reference on all prompts. Rejects with ABORTED when the signal says so. */
export type RunReference = (request: ReferenceRequest, hooks: ReferenceHooks) => Promise<ReferenceRun>;

/** The reference's output. Throws a plain Error that says what is wrong with it. */
export function parseReferenceRun(text: string): ReferenceRun {
  const run = record(JSON.parse(text));
  return {
    versions: string(run, "versions"),
    answers: list(run, "answers").map((answer) => parseAnswer(record(answer))),
  };
}

function parseAnswer(answer: Fields): ReferenceAnswer {
  return {
    name: string(answer, "name"),
    promptTokens: number(answer["promptTokens"]),
    tokenIds: list(answer, "tokenIds").map(number),
    gaps: list(answer, "gaps").map(number),
    finishReason: string(answer, "finishReason"),
    decoded: string(answer, "decoded"),
    generated: string(answer, "generated"),
  };
}

type Fields = Readonly<Record<string, unknown>>;

function record(value: unknown): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  throw new Error("the reference's output is not what was expected");
}

function list(fields: Fields, name: string): readonly unknown[] {
  const value = fields[name];
  if (Array.isArray(value)) return value;
  throw new Error(`the reference's "${name}" is not a list`);
}

function string(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value === "string") return value;
  throw new Error(`the reference's "${name}" is not a text`);
}

function number(value: unknown): number {
  if (typeof value === "number") return value;
  throw new Error("the reference gave something else where a number belongs");
}
