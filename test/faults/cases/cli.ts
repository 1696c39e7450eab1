import { cp, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { Random } from "../../support/random";
import { place, placed } from "../../support/store/placed";
import type { Family } from "../families";
import { isBad, type Verdict } from "../verdict";
import { inFolderOf } from "../world";
import { ask, type CliRun, runResident, toldCodes } from "./cliRuns";
import { damage, filesByKind, kindId, kindOfId } from "./damages";

/** Each is longer than a block of 64 tokens. */
const prompts: readonly string[] = ["The river Alma", "The town Berg"].map((what) =>
  `${what} lies far away from the sea. `.repeat(8),
);
const next = "What lies far away?";

/** The output of the undisturbed program. */
interface Known {
  readonly home: string;
  readonly answers: readonly string[];
  /** Token ids of the answer to the next message. */
  readonly nextIds: string;
}

const fileOf = (scratch: string): string => path.join(scratch, "cli.json");

/** A home that the built program has made with the starter model, and its next answer. */
async function makeKnown(scratch: string): Promise<void> {
  const home = path.join(scratch, "cli-home");
  const answers: string[] = [];
  for (const prompt of prompts) answers.push(answerOf(await ask(home, prompt)).text);
  const copy = path.join(scratch, "cli-next");
  await cp(home, copy, { recursive: true });
  const known: Known = { home, answers, nextIds: answerOf(await ask(copy, next)).ids };
  await writeFile(fileOf(scratch), JSON.stringify(known));
}

function answerOf({ code, stdout, stderr }: CliRun): { readonly text: string; readonly ids: string } {
  if (code !== 0) throw new Error(`resident generate ended with ${code}: ${stderr}`);
  const { text, tokenIds } = JSON.parse(stdout);
  return { text, ids: tokenIds.join(" ") };
}

const isOfCache = (kind: string): boolean => kind.includes(".safetensors") || kind.endsWith("keys.bin");

/** The built program with the starter model: real blocks, written and read by the addon. */
export const cli: Family = {
  name: "cli",
  limitMs: 120_000,
  async list({ scratch }, { quick, seed }) {
    await makeKnown(scratch);
    const kinds = [...(await filesByKind(path.join(scratch, "cli-home"))).keys()].filter(isOfCache);
    const numbers = (count: number) => Array.from({ length: count }, (_, number) => number);
    const all = kinds.flatMap((kind) => [
      ...numbers(8).map((number) => `damage/${kindId(kind)}/${number}`),
      ...Object.keys(placed).map((what) => `special/${kindId(kind)}/${what}`),
    ]);
    const chosen = quick ? new Random("cli", seed).sample(all, 6) : all;
    return [...numbers(quick ? 2 : 20).map((number) => `kill/${number}`), ...chosen];
  },
  run: (world, id, seed) =>
    inFolderOf(world, async (folder) => {
      const known: Known = JSON.parse(await readFile(fileOf(world.scratch), "utf8"));
      const home = path.join(folder, "home");
      await cp(known.home, home, { recursive: true, preserveTimestamps: true });
      const random = new Random("cli", seed, id);
      const [what = "", kind = "", how = ""] = id.split("/");
      if (what === "kill") return killed(home, known, random);
      const files = (await filesByKind(home)).get(kindOfId(kind)) ?? [];
      const file = random.pick(files);
      if (what === "damage") await damage(random, file, files);
      else await place(how, file);
      return goesOn(home, known);
    }),
};

/** A cache is damaged: the answer must be the same, however many tokens are prefilled again. */
async function goesOn(home: string, { nextIds }: Known): Promise<Verdict> {
  const run = await ask(home, next);
  const bad = badEnd(run);
  if (bad !== undefined) return bad;
  if (run.code !== 0) return { outcome: "wrong", detail: `a cache refuses a turn: ${run.stderr.trim()}` };
  const { ids } = answerOf(run);
  if (ids !== nextIds) return { outcome: "wrong", detail: `it answers [${ids}], not [${nextIds}]` };
  return { outcome: "harmless", detail: run.stderr.trim() };
}

/**
 * The program is killed while it answers or saves: the earlier turns and the next answer after them must be the same.
 */
async function killed(home: string, known: Known, random: Random): Promise<Verdict> {
  const ended = await ask(home, "And the hill Cima?", random.below(2500));
  const shown = await runResident(home, ["agents", "show", "Ada"]);
  const bad = badEnd(shown);
  if (bad !== undefined) return bad;
  if (shown.code !== 0) return { outcome: "lost", detail: shown.stderr.trim() };
  const turns: readonly { readonly user: string; readonly answer: string }[] = JSON.parse(shown.stdout).turns;
  const isThere = prompts.every((prompt, n) => turns[n]?.user === prompt && turns[n]?.answer === known.answers[n]);
  if (!isThere) return { outcome: "lost", detail: `a turn is not as it was: ${shown.stdout.slice(0, 300)}` };
  if (ended.signal === null && turns.length !== 3) return { outcome: "lost", detail: "the third turn is not there" };
  const rewound = await runResident(home, ["agents", "rewind", "Ada", "--turn", "2"]);
  if (rewound.code !== 0) return { outcome: "lost", detail: rewound.stderr.trim() };
  const verdict = await goesOn(home, known);
  return isBad(verdict) ? verdict : { ...verdict, detail: ended.signal ?? "it came to its end first" };
}

function badEnd({ code, signal, stderr }: CliRun): Verdict | undefined {
  if (signal !== null || !toldCodes.includes(code) || /INTERNAL/.test(stderr))
    return { outcome: "crashed", detail: `${signal ?? code}: ${stderr.trim().slice(-400)}` };
  return undefined;
}
