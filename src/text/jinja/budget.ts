import { TemplateError } from "./errors";
import { Dict, List, type Value } from "./values";

/** A conversation of a million tokens (4 MB of text) takes some two millions of these. */
const mostSteps = 20_000_000;
/** Characters that are copied in the time of a step. */
const charactersInStep = 16;
/** As Jinja's sandbox has it. */
export const longestRange = 100_000;
const longestText = 2 ** 24;
/** As deep as macros and recursive loops may call each other. */
const deepestCall = 200;

/**
 * What one rendering may cost. Templates are downloaded with models, so one may be broken or meant to do harm: it ends
 * with an error before it takes minutes or gigabytes.
 */
export class Budget {
  private steps = 0;
  private depth = 0;

  spend(steps: number): void {
    this.steps += steps;
    if (this.steps > mostSteps) throw new TemplateError("it takes too long");
  }

  /** For a text or a list that is made or looked through. */
  spendOn(value: Value): void {
    if (typeof value === "string") {
      if (value.length > longestText) throw new TemplateError("it makes a text that is too long");
      this.spend(value.length / charactersInStep);
    } else if (value instanceof List || value instanceof Dict) this.spend(value.size);
  }

  inCall<T>(work: () => T): T {
    if (this.depth >= deepestCall) throw new TemplateError("it calls itself too often");
    this.depth += 1;
    try {
      return work();
    } finally {
      this.depth -= 1;
    }
  }
}

/** `text` so many times; throws where that is too long. */
export function repeated(text: string, times: number): string {
  if (text.length * times > longestText) throw new TemplateError("it makes a text that is too long");
  return text.repeat(Math.max(0, times));
}
