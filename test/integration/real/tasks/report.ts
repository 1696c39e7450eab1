/** What became of the tasks, as a table and as JSON. */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { TurnView } from "../../../../src/protocol/service";
import { figuresInSum } from "../../../../src/protocol/turnSteps";

export interface TaskRow {
  readonly task: string;
  /** All seven that work, or those that the task needs. */
  readonly tools: "seven" | "needed";
  readonly isHeldOut: boolean;
  /** Absent: greedy. */
  readonly seed?: number;
  readonly isDone: boolean;
  /** Its first call was a sensible one. */
  readonly beganWell: boolean;
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
  about: Pick<TaskRow, "task" | "tools" | "isHeldOut" | "seed" | "isDone" | "beganWell" | "stopped" | "seconds">,
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
    const { task, tools, seed, isDone, steps, calls, failedCalls, reusedTokens, prefilledTokens, generatedTokens } =
      row;
    const how = `${steps} steps, ${calls.length} calls (${failedCalls} failed)`;
    const tokens = `${reusedTokens} reused, ${prefilledTokens} read, ${generatedTokens} said`;
    const name = `${task}, ${tools} tools${seed === undefined ? "" : `, seed ${seed}`}`;
    console.log(`      ${isDone ? "done" : "not done"}: ${name}: ${how}; ${tokens}; ${row.seconds.toFixed(1)} s`);
  }
  const rates = {
    sevenTools: rateOf(rows.filter(({ tools }) => tools === "seven")),
    neededTools: rateOf(rows.filter(({ tools }) => tools === "needed")),
    heldOut: rateOf(rows.filter(({ isHeldOut }) => isHeldOut)),
    greedy: rateOf(rows.filter(({ seed }) => seed === undefined)),
    beganWell: `${rows.filter(({ beganWell }) => beganWell).length} of ${rows.length}`,
  };
  console.log(
    `      done with seven tools ${rates.sevenTools}, with those that are needed ${rates.neededTools}; greedy ${rates.greedy}; of the tasks that were held out ${rates.heldOut}; began well ${rates.beganWell}`,
  );
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, "tasks.json"), `${JSON.stringify({ rates, rows }, null, 2)}\n`);
}
