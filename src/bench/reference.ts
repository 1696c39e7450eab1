import type { ReferencePrompt } from "./exp005Prompts";
import { type Fields, list, number, record, string } from "./outputFields";

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
  /** The versions of mlx_lm and MLX. */
  readonly versions: string;
  readonly answers: readonly ReferenceAnswer[];
}

export interface ReferenceHooks {
  /** Called with the number of prompts that the reference has answered. */
  onAnswered(done: number): void;
  readonly signal: AbortSignal;
}

/** Runs the reference on all prompts. Rejects with ABORTED when the signal aborts. */
export type RunReference = (request: ReferenceRequest, hooks: ReferenceHooks) => Promise<ReferenceRun>;

/** Reads the reference's output. Throws a plain Error that says what is wrong. */
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
