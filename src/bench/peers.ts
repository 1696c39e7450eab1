import { list, number, record, string } from "./outputFields";

/** The programs that are compared, in the order of the rows. */
export const peerNames = ["node-llama-cpp", "llama-cpp-python", "mlx_lm"] as const;
export type PeerName = (typeof peerNames)[number];

/** Names of the figures in our own row that hold our rate divided by a peer's. */
export const ratioNames: Readonly<Record<PeerName, string>> = {
  "node-llama-cpp": "overNodeLlamaCpp",
  "llama-cpp-python": "overLlamaCpp",
  mlx_lm: "overMlxLm",
};

/**
 * Work that every engine does in the same way. "prefill": new prompts up to their first token. "decode": the steps
 * after the first token, `decodeTokens` in each sequence, after a prompt of `promptTokens`.
 */
export interface Workload {
  readonly measure: "prefill" | "decode";
  readonly promptTokens: number;
  readonly decodeTokens: number;
  readonly sequences: number;
  readonly repeats: number;
  /** No repeat begins after this time. */
  readonly budgetMs: number;
}

export interface PeerRequest extends Workload {
  readonly model: string;
  /** The file that the model directory was imported from, which llama.cpp takes; absent: the starter model's. */
  readonly gguf?: string;
  readonly threads: number;
}

/** One repeat: the tokens of all sequences, and the time for all of them. */
export interface Sample {
  readonly tokens: number;
  readonly ms: number;
}

export interface PeerRun {
  /** Name and version. */
  readonly engine: string;
  /** Its settings, where there is a choice. */
  readonly settings: string;
  readonly samples: readonly Sample[];
}

export interface PeerHooks {
  /** Called with what happens before the measurement, such as an installation. */
  onPreparing(message: string): void;
  readonly signal: AbortSignal;
}

/** Runs a workload on a peer, which is installed first if needed. Rejects with ABORTED when the signal aborts. */
export type RunPeer = (peer: PeerName, request: PeerRequest, hooks: PeerHooks) => Promise<PeerRun>;

/** Reads a peer's output. Throws a plain Error that says what is wrong. */
export function parsePeerRun(text: string): PeerRun {
  const run = record(JSON.parse(text));
  const samples = list(run, "samples").map(parseSample);
  if (samples.length === 0) throw new Error("nothing was measured");
  return { engine: string(run, "engine"), settings: string(run, "settings"), samples };
}

function parseSample(value: unknown): Sample {
  const fields = record(value);
  const sample = { tokens: number(fields["tokens"]), ms: number(fields["ms"]) };
  if (!(sample.tokens > 0 && sample.ms > 0)) throw new Error("a sample has no tokens or took no time");
  return sample;
}
