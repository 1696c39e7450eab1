import { mkdir } from "node:fs/promises";
import path from "node:path";
import { Random } from "../../support/random";
import type { Family } from "../families";
import { aftermath } from "../home/aftermath";
import { copyFixture } from "../home/fixture";
import type { Step } from "../home/journal";
import { Truth } from "../home/truth";
import { scenarioOf } from "../scenarios";
import { type Verdict, verdictOf } from "../verdict";
import { inFolderOf, type World } from "../world";
import { type EndedChild, failuresOf, runInChild } from "./children";
import { pointOfId, pointsOf } from "./cuts";

const names = ["Ada", "Bob", "Eve"];
const topics = ["river", "town", "hill", "lake", "bridge"];
/** Longest time before a child is killed: about the duration of its steps. */
const lifeMs = 700;
const numStories = 8;

/** The steps of a child: the same few conversations again and again, so that their answers are known. */
function storyOf(seed: number, number: number): readonly Step[] {
  const random = new Random("story", seed, number);
  const alive = new Set<string>();
  const steps: Step[] = [];
  let numTexts = 0;
  const text = () => `The ${random.pick(topics)} is called N${number}x${numTexts++}.`;
  while (steps.length < 30) {
    const name = random.pick(names);
    if (!alive.has(name)) {
      const source = random.pick(names);
      steps.push(
        alive.has(source) && random.below(2) === 0 ? { do: "fork", name: source, as: name } : { do: "create", name },
      );
      alive.add(name);
    }
    const drawn = random.below(12);
    if (drawn < 7) steps.push({ do: "ask", name, text: text() });
    else if (drawn === 7) steps.push({ do: "rewind", name, turns: random.below(3) });
    else if (drawn === 8) steps.push({ do: "save", name });
    else if (drawn === 9) steps.push({ do: "restart" });
    else if (alive.size > 1) {
      steps.push({ do: "delete", name });
      alive.delete(name);
    }
  }
  return steps;
}

/** SIGKILL at a random moment of a program's life. */
export const kills: Family = {
  name: "kill",
  limitMs: 90_000,
  list: async (_, { quick }) => Array.from({ length: quick ? 40 : 240 }, (_, number) => String(number)),
  run: (world, id, seed) =>
    inFolderOf(world, async (folder) => {
      const home = path.join(folder, "home");
      await mkdir(home);
      const random = new Random("kill", seed, id);
      const steps = storyOf(seed, random.below(numStories));
      const ended = await runInChild({ home, model: world.model, steps }, random.below(lifeMs));
      return verdictAfter(world, ended, home, new Truth(ended.journal.map(({ entry }) => entry)));
    }),
};

/** SIGKILL at each named point. */
export const killPoints: Family = {
  name: "point",
  limitMs: 90_000,
  async list(world, { quick, seed }) {
    const points = await pointsOf(world);
    return quick ? new Random("points", seed).sample(points, 16) : points;
  },
  run: (world, id) =>
    inFolderOf(world, async (folder) => {
      const point = pointOfId(id);
      const { home, truth } = await copyFixture(world.fixture, folder);
      const ended = await runInChild({ home, model: world.model, steps: scenarioOf(point.scenario), point });
      for (const { entry } of ended.journal) truth.apply(entry);
      return verdictAfter(world, ended, home, truth);
    }),
};

async function verdictAfter(world: World, ended: EndedChild, home: string, truth: Truth): Promise<Verdict> {
  const detail = ended.signal === "SIGKILL" ? "" : "it came to its end first";
  const findings = [...failuresOf(ended), ...(await aftermath(world, home, truth))];
  return verdictOf(findings, { outcome: "harmless", detail });
}
