#!/usr/bin/env node
/**
 * `npm test`: set-up, then every tier one after the other, whatever became of the one before. What computes nearly all the
 * time runs at the same time, at the lowest priority, also one after the other.
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
import { choose, commandsOf, tiers } from "./runner/tiers.mjs";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const minutes = (n) => n * 60_000;
const setUpLimitMs = minutes(15);
const prepareLimitMs = minutes(3);
/** For a step that has to wait for the processors. */
const behindLimitMs = minutes(40);

const args = process.argv.slice(2);
const named = args.filter((arg) => tiers.some((tier) => tier.name === arg));
const parts = args.filter((arg) => !named.includes(arg));
const { chosen, front, behind } = choose(tiers, named, parts);

const options = (env, limitMs, low) => ({ cwd: root, env: { ...process.env, ...env }, limitMs, behind: low });

/** A step that counts no tests: nothing to report when it succeeds, one failure when it does not. */
async function runStep(name, stepArgs, limitMs, low) {
  const exit = await runCommand(stepArgs, options({}, low ? behindLimitMs : limitMs, low));
  if (exit.code === 0) return [];
  process.stdout.write(exit.said);
  return [judge(name, { ...exit, limitMs }, { passed: 0, failed: 0, pending: 0, problem: stepProblem(exit) })];
}

function stepProblem(exit) {
  return exit.timedOut ? undefined : `ended with ${exit.signal ?? `exit code ${exit.code}`}`;
}

const runSetUp = (setUpOf, low) => {
  const needed = [...new Set(setUpOf.flatMap((tier) => tier.setUp))];
  return runStep("set-up", ["native/setup.mjs", "--only", needed.join(",")], setUpLimitMs, low);
};

async function prepare(tier, low) {
  return tier.prepare ? await runStep(`${tier.name}: build`, tier.prepare(parts), prepareLimitMs, low) : [];
}

async function runTests(command, low) {
  const file = path.join(root, "out", "results", `${command.name}.json`);
  fs.rmSync(file, { force: true });
  const exit = await runCommand(command.args(), options({ RESIDENT_RESULTS: file }, command.limitMs, low));
  if (low) console.log(`\n== ${command.name}, which ran behind the others\n${exit.said}`);
  return judge(command.name, { ...exit, limitMs: command.limitMs }, readResults(file));
}

async function runTier(tier, low = false) {
  if (!low) console.log(`\n== ${tier.name}`);
  const prepared = await prepare(tier, low);
  if (prepared.length > 0) return prepared;
  const rows = [];
  for (const command of commandsOf(tier, parts)) rows.push(await runTests(command, low));
  return rows;
}

/** Also what set-up makes for a tier is made behind the others. */
async function runBehind() {
  const done = new Map();
  for (const tier of behind) {
    const failed = await runSetUp([tier], true);
    done.set(tier.name, failed.length > 0 ? failed : await runTier(tier, true));
  }
  return done;
}

async function runFront() {
  const done = new Map();
  for (const tier of front) done.set(tier.name, await runTier(tier));
  return done;
}

const rows = await runSetUp(front, false);
const [inFront, inBackground] = await Promise.all([runFront(), runBehind()]);
const done = new Map([...inFront, ...inBackground]);
for (const tier of chosen) rows.push(...done.get(tier.name));
console.log(report(rows));
process.exitCode = rows.some((row) => row.failed > 0) ? 1 : 0;
