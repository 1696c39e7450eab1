import { rmSync } from "node:fs";
import { access, constants, mkdtemp } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { families } from "./cases/all";
import { type Options, parseOptions, usage } from "./options";
import { table, writeResults } from "./report";
import { type Result, ServerSlot } from "./runner";
import { isBad } from "./verdict";

/** Runs the chosen cases in as many processes as there are processors. Resolves with the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  let options: Options;
  try {
    options = parseOptions(args);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${usage}`);
    return 2;
  }
  const scratch = await mkdtemp(path.join(await fastFolder(), "resident-faults-"));
  const slots = Array.from(
    { length: Math.min(4, os.availableParallelism()) },
    () => new ServerSlot(serverArgs(scratch, options)),
  );
  const stop = () => {
    for (const slot of slots) slot.stop();
    rmSync(scratch, { recursive: true, force: true });
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => {
      stop();
      process.exit(130);
    });
  }
  try {
    const results = await runAll(slots, options);
    const { RESIDENT_RESULTS } = process.env;
    if (RESIDENT_RESULTS !== undefined) writeResults(RESIDENT_RESULTS, results);
    const bad = results.filter(({ verdict }) => isBad(verdict));
    for (const { id, verdict } of bad) {
      console.log(`${verdict.outcome}: --seed ${options.seed} --only "${id}": ${verdict.detail}`);
    }
    console.log(
      `\n${table(
        results,
        families.map(({ name }) => name),
      )}\nseed ${options.seed}`,
    );
    return bad.length > 0 || results.length === 0 ? 1 : 0;
  } finally {
    stop();
  }
}

/** A killed process loses no data that the system has accepted, so a disk in memory shows the same and is faster. */
async function fastFolder(): Promise<string> {
  const inMemory = "/dev/shm";
  return access(inMemory, constants.W_OK).then(
    () => inMemory,
    () => os.tmpdir(),
  );
}

function serverArgs(scratch: string, { quick, seed, only }: Options): readonly string[] {
  const [, program = ""] = process.argv;
  return ["--max-old-space-size=1024", program, "--serve", scratch, JSON.stringify({ quick, seed, only })];
}

async function runAll(slots: readonly ServerSlot[], { only, verbose }: Options): Promise<readonly Result[]> {
  const [first] = slots;
  const all = (await first?.list()) ?? [];
  const ids = only === undefined ? [...all] : all.filter((id) => id.includes(only));
  const results: Result[] = [];
  await Promise.all(
    slots.map(async (slot) => {
      for (let id = ids.shift(); id !== undefined; id = ids.shift()) {
        const result = await slot.run(id);
        results.push(result);
        const { verdict, durationMs } = result;
        if (verbose) console.log(`${id}: ${verdict.outcome} (${Math.round(durationMs)} ms) ${verdict.detail}`);
      }
    }),
  );
  return results.sort((a, b) => all.indexOf(a.id) - all.indexOf(b.id));
}
