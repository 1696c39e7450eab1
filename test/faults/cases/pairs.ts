import { mkdir } from "node:fs/promises";
import path from "node:path";
import { Random } from "../../support/random";
import type { Family } from "../families";
import { aftermath } from "../home/aftermath";
import type { Step } from "../home/journal";
import { Truth } from "../home/truth";
import { verdictOf } from "../verdict";
import { inFolderOf } from "../world";
import { failuresOf, runInChild } from "./children";

const names = ["Ada", "Bob", "Eve"];
const numSteps = 60;
/** Longer than any save: older unreferenced objects may be collected. */
const hourMs = 2500;

/** The steps of one of two programs: with names that the other one uses too, and few steps in a row per agent. */
function stepsOf(random: Random, who: number): readonly Step[] {
  const steps: Step[] = [];
  for (let step = 0; step < numSteps; step += 1) {
    const name = random.pick(names);
    const drawn = random.below(14);
    if (drawn < 3) steps.push({ do: "create", name });
    else if (drawn < 8) steps.push({ do: "ask", name, text: `Process ${who} says word N${step}.` });
    else if (drawn === 8) steps.push({ do: "fork", name, as: random.pick(names) });
    else if (drawn === 9) steps.push({ do: "delete", name });
    else if (drawn === 10) steps.push({ do: "rename", name, as: random.pick(names) });
    else steps.push({ do: "restart" });
  }
  return steps;
}

/** Two programs and a collector in one home; in half of the cases one of the programs is killed. */
export const pairs: Family = {
  name: "pair",
  limitMs: 150_000,
  list: async (_, { quick }) => Array.from({ length: quick ? 2 : 30 }, (_, number) => String(number)),
  run: (world, id, seed) =>
    inFolderOf(world, async (folder) => {
      const home = path.join(folder, "home");
      await mkdir(home);
      const random = new Random("pair", seed, id);
      const shared = { home, model: world.model, stage: path.resolve("native", "stage") };
      const collector: readonly Step[] = Array.from({ length: 60 }, (): readonly Step[] => [
        { do: "pause", ms: 100 },
        { do: "collect" },
      ]).flat();
      const killAfter = random.below(2) === 0 ? undefined : random.below(3000);
      const ended = await Promise.all([
        runInChild({ ...shared, steps: stepsOf(random, 1) }, killAfter),
        runInChild({ ...shared, steps: stepsOf(random, 2) }),
        runInChild({ ...shared, steps: collector, hourMs }),
      ]);
      const truth = new Truth();
      const all = ended.flatMap(({ journal }, by) => journal.map((timed) => ({ ...timed, by })));
      all.sort((a, b) => (a.at < b.at ? -1 : 1));
      for (const { entry, by } of all) truth.apply(entry, by);
      const findings = [...ended.flatMap(failuresOf), ...(await aftermath(world, home, truth, { anyHead: true }))];
      const answers = all.filter(({ entry }) => entry.type === "answered").length;
      return verdictOf(findings, { outcome: "harmless", detail: `${answers} answers` });
    }),
};
