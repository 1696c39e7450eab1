import type { Arguments, Value } from "./values";

/** What filters need of the interpreter: other filters and tests by name. */
export interface FilterTools {
  /** For work that is more than linear in the value. */
  spend(steps: number): void;
  filter(name: string, value: Value, args: Arguments): Value;
  test(name: string, value: Value, args: Arguments): boolean;
}

export type Filter = (value: Value, args: Arguments, tools: FilterTools) => Value;
