/** What became of the tasks, as a table and as JSON. */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { TurnView } from "../../../../src/protocol/service";
import { figuresInSum } from "../../../../src/protocol/turnSteps";

export interface TaskRow {
  readonly task: string;
  readonly isHeldOut: boolean;
  /** Absent: greedy. */
  readonly seed?: number;
  readonly isDone: boolean;
  /** Why the turn was ended before it was answered; absent: it was answered. */
  readonly stopped?: string;
  readonly steps: number;
  readonly calls: readonly string[];
  readonly failedCalls: number;
  readonly reusedTokens: number;
  readonly prefilledTokens: number;
  readonly generatedTokens: number;
  readonly seconds: number;
  readonly transcript: readonly object[];
}

export function rowOf(
  about: Pick<TaskRow, "task" | "isHeldOut" | "seed" | "isDone" | "stopped" | "seconds">,
  steps: readonly TurnView[],
): TaskRow {
  const {
    reusedTokens = 0,
    prefilledTokens = 0,
    generatedTokens = 0,
  } = figuresInSum(steps.map(({ figures }) => figures)) ?? {};
  return {
    ...about,
    steps: steps.length,
    calls: steps.flatMap(({ calls = [] }) => calls.map(({ name }) => name)),
    failedCalls: steps.flatMap(({ results = [] }) => results).filter(({ failed }) => failed === true).length,
    ...{ reusedTokens, prefilledTokens, generatedTokens },
    transcript: steps.map(({ user, results, answer, calls }) => ({ user, results, answer, calls })),
  };
}

const rateOf = (rows: readonly TaskRow[]) => `${rows.filter(({ isDone }) => isDone).length} of ${rows.length}`;

/** Printed and written; nothing of it is asserted: how well a model works is its own. */
export function report(rows: readonly TaskRow[], folder: string): void {
  for (const row of rows) {
    const { task, seed, isDone, steps, calls, failedCalls, reusedTokens, prefilledTokens, generatedTokens } = row;
    const how = `${steps} steps, ${calls.length} calls (${failedCalls} failed)`;
    const tokens = `${reusedTokens} reused, ${prefilledTokens} read, ${generatedTokens} said`;
    const name = `${task}${seed === undefined ? "" : `, seed ${seed}`}`;
    console.log(`      ${isDone ? "done" : "not done"}: ${name}: ${how}; ${tokens}; ${row.seconds.toFixed(1)} s`);
  }
  const rates = {
    all: rateOf(rows),
    heldOut: rateOf(rows.filter(({ isHeldOut }) => isHeldOut)),
    greedy: rateOf(rows.filter(({ seed }) => seed === undefined)),
  };
  console.log(`      done ${rates.all}; greedy ${rates.greedy}; of the tasks that were held out ${rates.heldOut}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, "tasks.json"), `${JSON.stringify({ rates, rows }, null, 2)}\n`);
}
