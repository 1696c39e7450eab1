import { ResidentError } from "../common/errors";
import { createFormats } from "../common/format";
import type { FileTotals, ResidentService, StoreProblem, StoreStats, StoreVerification } from "../protocol/service";
import { type Arguments, type CommandSpec, parseArguments } from "./arguments";
import { type Console, consoleLog, printJson, progressPrinter, table } from "./console";
import { commonOptions, withService } from "./session";
import { stoppable } from "./stoppable";

export const storeSpecs = {
  stats: {
    usage: "resident store stats",
    summary: "what is saved on disk, by model, and what no agent uses",
    positionals: [],
    options: commonOptions,
  },
  verify: {
    usage: "resident store verify",
    summary:
      "read all saved blocks again and name the damaged ones; removes nothing, ends with code 1 when there are any",
    positionals: [],
    options: commonOptions,
  },
  gc: {
    usage: "resident store gc",
    summary: "remove blocks that no agent uses, and files that ended processes left behind",
    positionals: [],
    options: commonOptions,
  },
  repair: {
    usage: "resident store repair",
    summary: "verify, remove damaged blocks (they are read again) and repair damaged agents",
    positionals: [],
    options: commonOptions,
  },
  forget: {
    usage: "resident store forget --yes",
    summary: "delete all agents and everything that they have saved; without --yes only say what that is",
    positionals: [],
    options: { yes: { help: "really delete" }, ...commonOptions },
  },
} as const satisfies Record<string, CommandSpec>;

export async function store(words: readonly string[], console: Console): Promise<void> {
  const [verb = "", ...rest] = words;
  if (!Object.hasOwn(storeSpecs, verb)) {
    const what = verb === "" ? "store does nothing by itself" : `store knows no '${verb}'`;
    throw new ResidentError("USAGE", what, "use stats, verify, gc, repair or forget");
  }
  const args = parseArguments(storeSpecs[verb as keyof typeof storeSpecs], rest);
  const run = verbs[verb as keyof typeof verbs];
  const stop = new AbortController();
  await withService(args, consoleLog(console, args.flag("verbose")), (service) =>
    stoppable(
      () => stop.abort(),
      () => run(service, args, console, stop.signal),
    ),
  );
}

type Verb = (service: ResidentService, args: Arguments, console: Console, signal: AbortSignal) => Promise<void>;

const formats = createFormats("en");

const verbs: Readonly<Record<keyof typeof storeSpecs, Verb>> = {
  async stats(service, args, console) {
    const stats = await service.storeStats();
    if (args.flag("json")) return printJson(console, stats);
    console.out(table(statsRows(stats)));
    for (const { agent, reason } of stats.unknown) console.err(`[warn] agent ${agent} cannot be read: ${reason}`);
  },

  async verify(service, args, console, signal) {
    const verification = await service.verifyStore(progressPrinter(console), signal);
    if (args.flag("json")) printJson(console, verification);
    else console.out(verificationText(verification));
    const { length } = verification.problems;
    if (length === 0) return;
    const what = `${formats.count(length)} saved files are damaged or cannot be read`;
    throw new ResidentError("STORE_CORRUPT", what, "run `resident store repair`", { files: length });
  },

  async gc(service, args, console, signal) {
    const { removed, temporaryFiles, young, unknown } = await service.collectStore(signal);
    if (args.flag("json")) return printJson(console, { removed, temporaryFiles, young, unknown });
    console.out(
      table([
        ["removed", totals(removed)],
        ["temporary files", formats.count(temporaryFiles)],
        ["unreferenced and younger than an hour", totals(young)],
      ]),
    );
    for (const { agent, reason } of unknown) {
      console.err(`[warn] no block is removed while agent ${agent} cannot be read: ${reason}`);
    }
  },

  async repair(service, args, console, signal) {
    const repair = await service.repairStore(progressPrinter(console), signal);
    if (args.flag("json")) return printJson(console, repair);
    console.out(verificationText(repair.verification));
    console.out(`removed: ${totals(repair.removed)}\n`);
    for (const { name, keptTurns, lostTurns } of repair.agents) {
      console.out(
        `'${name}' is repaired: ${formats.count(keptTurns)} turns are kept, ${formats.count(lostTurns)} lost\n`,
      );
    }
    for (const { agent, error } of repair.failed) console.err(`[warn] ${agent} is not repaired: ${error.what}`);
  },

  async forget(service, args, console) {
    const stats = await service.storeStats();
    const isSure = args.flag("yes");
    if (!args.flag("json")) console.out(forgetText(stats, isSure));
    if (!isSure) args.refuse("forgetting everything needs --yes");
    const forgotten = await service.forgetEverything();
    if (args.flag("json")) return printJson(console, forgotten);
    console.out("everything is forgotten\n");
  },
};

function statsRows(stats: StoreStats): readonly (readonly string[])[] {
  return [
    ["saved blocks", totals(stats)],
    ["quota", formats.bytes(stats.quotaBytes)],
    ["free on the disk", formats.bytes(stats.freeDiskBytes)],
    ["referred to by agents", totals(stats.referenced)],
    ["referred to by none", totals(stats.unreferenced)],
    ...stats.models.map((model) => [`of ${model.name ?? `the model in ${model.folder}`}`, totals(model)]),
    [`${formats.count(stats.agents)} agents`, totals(stats.agentFiles)],
  ];
}

function verificationText({ checked, problems, stopped }: StoreVerification): string {
  const end = stopped ? "stopped, verified so far" : "verified";
  return [`${end}: ${totals(checked)}`, ...problems.map(problemText), ""].join("\n");
}

function problemText({ path, code, reason }: StoreProblem): string {
  return `${code}: ${path}: ${reason}`;
}

function forgetText({ agents, agentFiles, objects, bytes }: StoreStats, isSure: boolean): string {
  const what = `${formats.count(agents)} agents with their conversations (${totals(agentFiles)}) and all saved blocks (${totals({ objects, bytes })})`;
  return `${isSure ? "deleting" : "this would delete"} ${what}; models and settings stay\n`;
}

function totals({ objects, bytes }: FileTotals): string {
  return `${formats.count(objects)} files, ${formats.bytes(bytes)}`;
}
