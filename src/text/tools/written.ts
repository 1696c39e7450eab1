/** A call as it was written, before its tool's schema has given its arguments their types. */
export interface WrittenCall {
  readonly name: string;
  readonly arguments: ReadonlyMap<string, unknown>;
  /** Where it stands in the text that was read. */
  readonly start: number;
  readonly end: number;
}

/** A value without quotes: what it is, only the schema tells. */
export class Spelt {
  constructor(readonly text: string) {}
}

/** A number that is written otherwise than its value is: `1.10`, or more digits than a number holds. A text keeps them. */
export class SpeltNumber {
  constructor(
    readonly text: string,
    readonly value: number,
  ) {}
}

export function writtenNumber(text: string, value = Number(text)): number | SpeltNumber {
  return isPlainNumber(text) ? value : new SpeltNumber(text, value);
}

/** Whether the number's value, written again, is this text. */
export function isPlainNumber(text: string): boolean {
  return String(Number(text)) === text;
}

export interface ReadCalls {
  readonly calls: readonly WrittenCall[];
  /** Behind the last character that was read. */
  readonly end: number;
  /** Everything that was opened was closed. `false`: only the calls before the break are given. */
  readonly isWhole: boolean;
}

/**
 * "strict": a call counts if it is closed, by its own mark or by the end of the text, which is the one of its block.
 * "cut": more was to come behind the text; only what was closed by its own mark counts.
 * "repair": no more is to come: what is missing at the end is added, and quotes that should have been escaped are found.
 */
export type Reading = "strict" | "cut" | "repair";

/** Values nest at most so deep: deeper ones would overflow what works on them later. */
export const deepestValue = 64;
