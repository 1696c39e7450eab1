import * as path from "node:path";
import { ResidentError } from "../common/errors";
import { createFormats, type Formats, plural } from "../common/format";
import type { AgentDetail, AgentRepair, AgentSummary, ResidentService, TurnId } from "../protocol/service";
import { type Arguments, type CommandSpec, parseArguments } from "./arguments";
import { type Console, consoleLog, printJson, table } from "./console";
import { commonOptions, withService } from "./session";
import { turnText } from "./turnText";

const turnHelp = "number of the turn as `show` counts them, from 1; 0 is before the first";

export const agentSpecs = {
  list: {
    usage: "resident agents list",
    summary: "all agents of this home",
    positionals: [],
    options: commonOptions,
  },
  show: {
    usage: "resident agents show AGENT",
    summary: "an agent's turns and figures",
    positionals: ["agent"],
    options: commonOptions,
  },
  fork: {
    usage: "resident agents fork AGENT NAME [--turn N | --model DIR]",
    summary: "make a new agent with everything up to a turn; nothing is read again, except for another model",
    positionals: ["agent", "name"],
    options: {
      turn: { value: "N", help: `${turnHelp} (default: the last)` },
      model: {
        value: "DIR",
        help: "the new agent uses this model: it reads the whole conversation with its first message",
      },
      ...commonOptions,
    },
  },
  rewind: {
    usage: "resident agents rewind AGENT --turn N",
    summary: "go back to a turn; the later turns stay as a branch",
    positionals: ["agent"],
    options: { turn: { value: "N", help: turnHelp }, ...commonOptions },
  },
  delete: {
    usage: "resident agents delete AGENT --yes",
    summary: "delete an agent and the blocks that only it uses",
    positionals: ["agent"],
    options: { yes: { help: "really delete" }, ...commonOptions },
  },
  repair: {
    usage: "resident agents repair AGENT",
    summary: "make a damaged agent usable again, with every turn up to the damage",
    positionals: ["agent"],
    options: commonOptions,
  },
} as const satisfies Record<string, CommandSpec>;

async function find(service: ResidentService, args: Arguments): Promise<AgentSummary> {
  const name = args.positional("agent") ?? "";
  const agent = await service.findAgent(name);
  if (agent) return agent;
  throw new ResidentError("AGENT_NOT_FOUND", `there is no agent '${name}'`, "see `resident agents list`", { name });
}

/** The turn that a number names on the branch at the head; `undefined` for 0. */
function turnAt(agent: AgentDetail, number: number): TurnId | undefined {
  if (number === 0) return undefined;
  const turn = agent.turns[number - 1];
  if (turn) return turn.id;
  throw new ResidentError(
    "INVALID_REQUEST",
    `'${agent.name}' has no turn ${number}`,
    `choose one from 0 to ${agent.turns.length}`,
    { turn: number, turns: agent.turns.length },
  );
}

const formats = createFormats("en");
/** The agent is shown also where its model is gone. */
const noFacts = { insistsOnDate: false } as const;
const anyTurn = { min: 0, max: Number.MAX_SAFE_INTEGER, whole: true } as const;

export async function agents(words: readonly string[], console: Console): Promise<void> {
  const [verb = "", ...rest] = words;
  if (!Object.hasOwn(agentSpecs, verb)) {
    const what = verb === "" ? "agents does nothing by itself" : `agents knows no '${verb}'`;
    throw new ResidentError("USAGE", what, "use list, show, fork, rewind, delete or repair");
  }
  const args = parseArguments(agentSpecs[verb as keyof typeof agentSpecs], rest);
  const run = verbs[verb as keyof typeof verbs];
  await withService(args, consoleLog(console, args.flag("verbose")), (service) => run(service, args, console));
}

function repairText(repair: AgentRepair, { count }: Formats): string {
  const { name, wasWhole, keptTurns, lostTurns, lostRecords, lostFrom, damages, keptFiles } = repair;
  if (wasWhole) return `'${name}' is whole: nothing was changed`;
  const lost =
    lostFrom === undefined
      ? "nothing is lost"
      : `lost are ${count(lostTurns)} turns and ${count(lostRecords)} records, from record ${count(lostFrom.record)} at byte ${count(lostFrom.byte)} of the turn log`;
  return [
    `'${name}' is repaired: ${count(keptTurns)} turns are kept, ${lost}`,
    ...damages.map((damage) => `damaged: ${damage}`),
    ...keptFiles.map((file) => `kept: ${file}`),
  ].join("\n");
}

async function copyWithModel(
  service: ResidentService,
  { id, name }: AgentDetail,
  args: Arguments,
  console: Console,
  model: string,
): Promise<void> {
  const { tokens } = await service.measureWithModel(id, model);
  const copy = await service.copyWithModel(id, args.positional("name") ?? "", model);
  if (args.flag("json")) return printJson(console, { ...copy, tokensToRead: tokens });
  console.out(
    `'${copy.name}' goes on from '${name}' with ${copy.modelName}: it reads ${plural(tokens, "token", formats)} with its next message\n`,
  );
}

type Verb = (service: ResidentService, args: Arguments, console: Console) => Promise<void>;

const verbs: Readonly<Record<keyof typeof agentSpecs, Verb>> = {
  async list(service, args, console) {
    const all = await service.listAgents();
    if (args.flag("json")) return printJson(console, { agents: all });
    const rows = all.map((agent) => [
      agent.name,
      agent.tier,
      `${formats.count(agent.tokens)} tokens`,
      `${agent.turnCount} turns`,
      formats.bytes(agent.diskBytes),
      agent.modelName,
      agent.damage === undefined ? (agent.lockedElsewhere ? "in use by another process" : "") : `damaged (${agent.id})`,
    ]);
    console.out(rows.length > 0 ? table(rows) : "no agents yet: `resident generate --agent NAME --prompt TEXT`\n");
  },

  async show(service, args, console) {
    const detail = await service.getAgent((await find(service, args)).id);
    if (args.flag("json")) return printJson(console, detail);
    console.out(`${detail.name} (${detail.id}), ${detail.modelName}, ${detail.tier}, ${detail.tokens} tokens\n`);
    if (detail.damage !== undefined) console.err(`[warn] ${detail.damage.what}: ${detail.damage.advice}`);
    if (detail.system !== "") console.out(`system: ${detail.system}\n`);
    if (detail.thinking !== undefined) console.out(`thinking: ${detail.thinking}\n`);
    const { insistsOnDate } = await service.templateFacts(detail.modelDirectory).catch(() => noFacts);
    if (insistsOnDate && detail.day !== undefined)
      console.out(`day in its prompts, which never changes: ${detail.day}\n`);
    if (detail.tools !== undefined) console.out(`tools: ${detail.tools.map(({ name }) => name).join(", ")}\n`);
    for (const [i, turn] of detail.turns.entries()) console.out(`\n[${i + 1}] ${turnText(turn)}`);
  },

  async fork(service, args, console) {
    const detail = await service.getAgent((await find(service, args)).id);
    const number = args.number("turn", anyTurn);
    if (number === 0) args.refuse("a fork needs a turn from 1 on; make a new agent instead");
    const model = args.text("model");
    if (model !== undefined && number !== undefined) args.refuse("--model cannot go with --turn");
    if (model !== undefined) return copyWithModel(service, detail, args, console, path.resolve(model));
    const turn = number === undefined ? undefined : turnAt(detail, number);
    const fork = await service.forkAgent(detail.id, args.positional("name") ?? "", turn);
    if (args.flag("json")) return printJson(console, fork);
    console.out(`'${fork.name}' has ${fork.tokens} tokens of '${detail.name}'\n`);
  },

  async rewind(service, args, console) {
    const detail = await service.getAgent((await find(service, args)).id);
    const number = args.number("turn", anyTurn);
    if (number === undefined) return args.refuse("--turn is missing");
    const rewound = await service.rewindAgent(detail.id, turnAt(detail, number));
    if (args.flag("json")) return printJson(console, rewound);
    console.out(`'${rewound.name}' is at turn ${number} of ${detail.turns.length}, ${rewound.tokens} tokens\n`);
  },

  async delete(service, args, console) {
    const agent = await find(service, args);
    if (!args.flag("yes")) args.refuse(`deleting '${agent.name}' needs --yes`);
    await service.deleteAgent(agent.id);
    if (args.flag("json")) return printJson(console, { deleted: agent.id });
    console.out(`'${agent.name}' is deleted\n`);
  },

  async repair(service, args, console) {
    const repair = await service.repairAgent((await find(service, args)).id);
    if (args.flag("json")) return printJson(console, repair);
    console.out(`${repairText(repair, createFormats("en"))}\n`);
  },
};
