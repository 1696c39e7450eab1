#!/usr/bin/env node
/**
 * `npm test`: set-up, then every tier one after the other, whatever became of the one before.
 *
 *   node test/run.mjs                     all tiers but those on demand
 *   node test/run.mjs unit native         these tiers
 *   node test/run.mjs unit engine/pool    of these tiers, the test files with "engine/pool" in their path
 *
 * Needs nothing but Node to start: set-up installs the packages. The last line on stdout is `N passed, N failed`.
 */
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { judge, readResults, report } from "./runner/report.mjs";
import { runCommand } from "./runner/runCommand.mjs";
import { tiers } from "./runner/tiers.mjs";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const setUpLimitMs = 15 * 60_000;
const prepareLimitMs = 3 * 60_000;

const args = process.argv.slice(2);
const named = args.filter((arg) => tiers.some((tier) => tier.name === arg));
const parts = args.filter((arg) => !named.includes(arg));
const chosen = tiers.filter((tier) => (named.length === 0 ? tier.onDemand !== true : named.includes(tier.name)));

const options = (env, limitMs) => ({ cwd: root, env: { ...process.env, ...env }, limitMs });

/** A step that counts no tests: nothing to report when it succeeds, one failure when it does not. */
async function runStep(name, stepArgs, limitMs) {
  const exit = await runCommand(stepArgs, options({}, limitMs));
  if (exit.code === 0) return [];
  return [judge(name, { ...exit, limitMs }, { passed: 0, failed: 0, pending: 0, problem: stepProblem(exit) })];
}

function stepProblem(exit) {
  return exit.timedOut ? undefined : `ended with ${exit.signal ?? `exit code ${exit.code}`}`;
}

async function runTests(command) {
  const file = path.join(root, "out", "results", `${command.name}.json`);
  fs.rmSync(file, { force: true });
  const exit = await runCommand(command.args(), options({ RESIDENT_RESULTS: file }, command.limitMs));
  return judge(command.name, { ...exit, limitMs: command.limitMs }, readResults(file));
}

async function runTier(tier) {
  console.log(`\n== ${tier.name}`);
  const prepared = tier.prepare ? await runStep(`${tier.name}: build`, tier.prepare(parts), prepareLimitMs) : [];
  if (prepared.length > 0) return prepared;
  const rows = [];
  for (const command of tier.commands) {
    if (parts.length > 0 && command.whole) continue;
    rows.push(await runTests(command));
  }
  return rows;
}

const needed = [...new Set(chosen.flatMap((tier) => tier.setUp))];
const rows = await runStep("set-up", ["native/setup.mjs", "--only", needed.join(",")], setUpLimitMs);
for (const tier of chosen) rows.push(...(await runTier(tier)));
console.log(report(rows));
process.exitCode = rows.some((row) => row.failed > 0) ? 1 : 0;
