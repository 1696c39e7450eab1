import { createHash } from "node:crypto";
import type { CountedInput } from "../../protocol/service";

/** Counts several texts or conversations of one model with one call of the core; the numbers are in the same order. */
export type CountTokens = (modelDirectory: string, inputs: readonly CountedInput[]) => Promise<readonly number[]>;

/** Entries of some hundred bytes. A long chat asks for some thousand texts. */
const mostEntries = 10_000;

interface Waiting {
  readonly input: CountedInput;
  readonly resolve: (tokens: number) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Token counts by text. VS Code asks for hundreds of small texts, one by one and again for every request: what is asked
 * for at the same time goes to the core together, and what was counted is remembered.
 */
export class TokenCounts {
  /** In the order of their last use. */
  private readonly known = new Map<string, Promise<number>>();
  private readonly waiting = new Map<string, Waiting[]>();

  constructor(private readonly countTokens: CountTokens) {}

  count(modelDirectory: string, input: CountedInput): Promise<number> {
    const key = keyOf(modelDirectory, input);
    const counted = this.known.get(key) ?? this.ask(modelDirectory, input);
    this.known.delete(key);
    this.known.set(key, counted);
    this.dropOldest();
    counted.catch(() => {
      if (this.known.get(key) === counted) this.known.delete(key);
    });
    return counted;
  }

  /** A model's files may be others now. */
  clear(): void {
    this.known.clear();
  }

  private ask(modelDirectory: string, input: CountedInput): Promise<number> {
    return new Promise((resolve, reject) => {
      const batch = this.waiting.get(modelDirectory);
      if (batch !== undefined) {
        batch.push({ input, resolve, reject });
        return;
      }
      this.waiting.set(modelDirectory, [{ input, resolve, reject }]);
      setImmediate(() => void this.send(modelDirectory));
    });
  }

  private async send(modelDirectory: string): Promise<void> {
    const batch = this.waiting.get(modelDirectory) ?? [];
    this.waiting.delete(modelDirectory);
    try {
      await this.resolve(modelDirectory, batch);
    } catch {
      // A text that cannot be counted concerns no other one.
      await Promise.all(
        batch.map((waiting) =>
          this.resolve(modelDirectory, [waiting]).catch((error: unknown) => waiting.reject(error)),
        ),
      );
    }
  }

  private async resolve(modelDirectory: string, batch: readonly Waiting[]): Promise<void> {
    const inputs = batch.map(({ input }) => input);
    const counts = await this.countTokens(modelDirectory, inputs);
    for (const [i, { resolve, reject }] of batch.entries()) {
      const tokens = counts[i];
      if (tokens === undefined) reject(new Error(`${counts.length} counts came for ${batch.length} texts`));
      else resolve(tokens);
    }
  }

  private dropOldest(): void {
    if (this.known.size <= mostEntries) return;
    for (const key of this.known.keys()) {
      this.known.delete(key);
      return;
    }
  }
}

/** A digest: texts may be long, and the cache must not keep them. */
function keyOf(modelDirectory: string, input: CountedInput): string {
  const hash = createHash("sha256").update(modelDirectory);
  hash.update(typeof input === "string" ? `\0text\0${input}` : `\0messages\0${JSON.stringify(input)}`);
  return hash.digest("base64");
}
