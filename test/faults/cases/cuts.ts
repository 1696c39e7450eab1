import path from "node:path";
import { Random } from "../../support/random";
import { FakeLocks } from "../../support/store/fakes";
import type { Family } from "../families";
import { aftermath } from "../home/aftermath";
import { type Moment, moments, plain, WatchedFolder, watch } from "../home/fileCalls";
import { copyFixture } from "../home/fixture";
import type { Entry } from "../home/journal";
import { Program } from "../home/program";
import { scenarioOf, scenarios } from "../scenarios";
import { verdictOf } from "../verdict";
import { inFolderOf, type World } from "../world";
import { callId, callOfId, callsOf } from "./recorded";

const changing =
  /^(rename|rm|rmdir|unlink|mkdir|writeFile|copyFile|link|symlink|handle[.](write|writeFile|sync|datasync|truncate))$/;

const quickCases = 60;

/** The program ends at each named point: before, in the middle of and after each call that changes something. */
export async function pointsOf(world: World): Promise<readonly string[]> {
  const ids: string[] = [];
  for (const scenario of Object.keys(scenarios)) {
    for (const call of await callsOf(world, scenario)) {
      if (!changing.test(call.operation)) continue;
      const torn = /write|copy/i.test(call.operation);
      for (const moment of moments) if (moment !== "during" || torn) ids.push(`${scenario}/${callId(call)}/${moment}`);
    }
  }
  return ids;
}

export interface NamedPoint {
  readonly scenario: string;
  readonly call: string;
  readonly moment: Moment;
}

export function pointOfId(id: string): NamedPoint {
  const [scenario = "", call = "", last = ""] = id.split("/");
  const moment = moments.find((known) => known === last);
  if (moment === undefined) throw new Error(`there is no point ${id}`);
  return { scenario, call, moment };
}

/**
 * Simulates a killed process without a process: from a named point on, none of the program's calls takes effect. All
 * points are tried in the time that starting a few processes would take.
 */
export const cuts: Family = {
  name: "cut",
  limitMs: 60_000,
  async list(world, { quick, seed }) {
    const points = await pointsOf(world);
    return quick ? new Random("cuts", seed).sample(points, quickCases) : points;
  },
  run: (world, id) =>
    inFolderOf(world, async (folder) => {
      const { scenario, call, moment } = pointOfId(id);
      const { home, truth } = await copyFixture(world.fixture, folder);
      let end = () => {};
      const ended = new Promise<void>((resolve) => {
        end = resolve;
      });
      const plan = { call: callOfId(call), fault: { type: "end", when: moment } } as const;
      const watched = new WatchedFolder(home, plan, () => end());
      const stop = watch(watched);
      const journal = (entry: Entry) => {
        if (!watched.hit) truth.apply(entry);
      };
      const program = new Program({ home, model: world.model, locks: new FakeLocks(), journal });
      const run = async () => {
        for (const step of scenarioOf(scenario)) await program.take(step);
        await program.close();
      };
      await Promise.race([run(), ended]);
      await stop();
      const detail = watched.hit ? "" : "the call did not come";
      const left = path.join(folder, "left");
      await plain.rename(home, left);
      return verdictOf(await aftermath(world, left, truth), { outcome: "harmless", detail });
    }),
};
