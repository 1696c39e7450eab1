import { createHash } from "node:crypto";
import path from "node:path";
import type { ModelAccess } from "../agents/ports";
import { ResidentError } from "../common/errors";
import type { ChatMessage } from "../common/messages";
import { versionOf } from "../store/files";
import { allInWords } from "../text/attachedText";
import type { PromptBuilder } from "../text/prompt";

/** Text models that are not loaded and kept for further counts. One has some ten megabytes. */
const mostModels = 2;

/** Counts of about 100 bytes each. */
const mostCounts = 20_000;

/** A model's files are looked at again after this time. */
const checkEveryMs = 5000;

/** A message of which nothing is counted. */
const beside: ChatMessage = { role: "user", content: "a" };

interface Counts {
  readonly version: string;
  readonly prompts: Promise<PromptBuilder>;
  readonly known: Map<string, Promise<number>>;
  checkedAtMs: number;
}

/** Counts tokens as prompts have them. What was counted is known by the digest of its text. */
export class TokenCounter {
  /** By the models' folders, in the order of their last use. */
  private readonly models = new Map<string, Counts>();

  constructor(private readonly access: Pick<ModelAccess, "describe" | "prompts">) {}

  /** Throws as reading the model does, and INVALID_REQUEST for a conversation that its template refuses. */
  async count(directory: string, messages: readonly ChatMessage[] | string): Promise<number> {
    const counts = await this.countsOf(directory);
    const digest = createHash("sha256").update(JSON.stringify(messages)).digest("base64");
    const known = counts.known.get(digest) ?? counts.prompts.then((prompts) => countWith(prompts, messages));
    counts.known.delete(digest);
    counts.known.set(digest, known);
    const [oldest] = counts.known.keys();
    if (counts.known.size > mostCounts && oldest !== undefined) counts.known.delete(oldest);
    known.catch(() => counts.known.delete(digest));
    return known;
  }

  /** Says first what is wrong with a folder that is no model. */
  private async promptsOf(directory: string): Promise<PromptBuilder> {
    await this.access.describe(directory);
    return this.access.prompts(directory);
  }

  private async countsOf(directory: string): Promise<Counts> {
    const known = this.models.get(directory);
    const nowMs = performance.now();
    if (known !== undefined && nowMs - known.checkedAtMs < checkEveryMs) return known;
    const version = await versionOfText(directory);
    const fresh = this.models.get(directory);
    const counts =
      fresh?.version === version
        ? fresh
        : { version, prompts: this.promptsOf(directory), known: new Map(), checkedAtMs: nowMs };
    counts.checkedAtMs = nowMs;
    counts.prompts.catch(() => this.models.delete(directory));
    this.models.delete(directory);
    this.models.set(directory, counts);
    const [oldest] = this.models.keys();
    if (this.models.size > mostModels && oldest !== undefined) this.models.delete(oldest);
    return counts;
  }
}

async function versionOfText(directory: string): Promise<string> {
  const names = ["tokenizer.json", "tokenizer_config.json", "chat_template.jinja"];
  return (await Promise.all(names.map((name) => versionOf(path.join(directory, name))))).join();
}

async function countWith(prompts: PromptBuilder, messages: readonly ChatMessage[] | string): Promise<number> {
  if (typeof messages === "string") return prompts.countText(messages);
  const [only, ...others] = messages;
  if (only === undefined) return 0;
  if (others.length > 0) return lengthOf(prompts, messages);
  try {
    return (await lengthOf(prompts, [beside, only])) - (await lengthOf(prompts, [beside]));
  } catch (error) {
    // The template refuses it behind another message; a system message goes before it.
    if (!isRefused(error)) throw error;
    return (await lengthOf(prompts, [only, beside])) - (await lengthOf(prompts, [beside]));
  }
}

async function lengthOf(prompts: PromptBuilder, messages: readonly ChatMessage[]): Promise<number> {
  const [first, ...rest] = allInWords(messages);
  const system = first?.role === "system" ? first.content : "";
  const input = first === undefined ? [] : first.role === "system" ? rest : [first, ...rest];
  return (await prompts.buildAfter({ system, past: undefined, input })).ids.length;
}

function isRefused(error: unknown): boolean {
  return error instanceof ResidentError && error.code === "INVALID_REQUEST";
}
