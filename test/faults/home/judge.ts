import { attachmentView } from "../../../src/common/attachments";
import { ResidentError } from "../../../src/common/errors";
import type { AgentDetail, AgentSummary, TurnView } from "../../../src/protocol/service";
import { type Finding, Found, lost, wrong } from "../verdict";
import type { Oracle } from "./oracle";
import { attachedTo, type Program } from "./program";
import type { KnownAgent, KnownTurn, Truth } from "./truth";

/** A message that checks an agent's cache: a wrong token before it changes the answer. */
const probe = "What did we talk about?";

/** Number of turns after which there is room for one more in the context. */
const longestPath = 6;

export interface JudgeOptions {
  /** Ids of agents that were damaged on purpose: they are not checked here. */
  readonly except?: ReadonlySet<string>;
  /** Number of agents to ask. */
  readonly probes?: number;
  /** Several programs worked at the same time: it is unknown which of them set an agent's head last. */
  readonly anyHead?: boolean;
}

/** Compares what a program finds in a home with what must be there. It may change the home. */
export async function judge(
  program: Program,
  truth: Truth,
  oracle: Oracle,
  { except = new Set(), probes = 8, anyHead = false }: JudgeOptions = {},
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const look = async (body: () => Promise<void>) => {
    try {
      await body();
    } catch (error) {
      if (error instanceof Found) findings.push(error.finding);
      else throw error;
    }
  };
  const summaries = await listOf(program, findings);
  if (summaries === undefined) return findings;
  findings.push(...namesOf(summaries, truth, except));
  for (const agent of truth.agents.values()) {
    if (except.has(agent.id)) continue;
    const mayBeGone = truth.open.some(({ step, id }) => step.do === "delete" && id === agent.id);
    if (!summaries.some(({ id }) => id === agent.id)) {
      if (!mayBeGone) findings.push(lost(`${agent.name} is not there`));
      continue;
    }
    await look(() => checkTurns(program, agent, truth, anyHead));
  }
  for (const agent of [...truth.agents.values()].slice(0, probes)) {
    if (except.has(agent.id) || !summaries.some(({ id }) => id === agent.id)) continue;
    if (findings.length === 0) await look(() => checkMemory(program, agent, truth, oracle));
  }
  return findings;
}

async function listOf(program: Program, findings: Finding[]): Promise<readonly AgentSummary[] | undefined> {
  try {
    return await program.list();
  } catch (error) {
    findings.push(lost(`nobody can be listed: ${messageOf(error)}`));
    return undefined;
  }
}

function namesOf(summaries: readonly AgentSummary[], truth: Truth, except: ReadonlySet<string>): readonly Finding[] {
  const findings: Finding[] = [];
  const names = summaries.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    findings.push(wrong(`${names.filter((name) => name === twice).length} agents are called ${twice}`));
  const begun = truth.open.flatMap(({ step }) => {
    if (step.do === "create") return [step.name];
    return step.do === "fork" || step.do === "rename" ? [step.as] : [];
  });
  for (const { id, name } of summaries) {
    if (except.has(id)) continue;
    const known = truth.agents.get(id);
    if (truth.deleted.has(id)) findings.push(wrong(`${name} was deleted and is there`));
    else if (known === undefined && !begun.includes(name)) findings.push(wrong(`nobody made ${name}`));
    else if (known !== undefined && known.name !== name && !begun.includes(name))
      findings.push(wrong(`${known.name} is called ${name}`));
  }
  return findings;
}

/** Checks that every reported turn exists with the same text. */
async function checkTurns(program: Program, agent: KnownAgent, truth: Truth, anyHead: boolean): Promise<void> {
  const detail = await typed(`showing ${agent.name}`, () => program.show(agent.id));
  const isOpen = anyHead || truth.open.some(({ id }) => id === agent.id);
  if (!isOpen && detail.turns.at(-1)?.id !== agent.head)
    throw new Found(wrong(`${agent.name}'s head is ${detail.turns.at(-1)?.id}, not ${agent.head}`));
  const seen = new Map<string, TurnView>();
  const note = ({ turns }: AgentDetail) => {
    for (const turn of turns) seen.set(turn.id, turn);
  };
  note(detail);
  for (const { turn } of detail.branches) {
    await typed(`rewinding ${agent.name}`, () => program.rewind(agent.id, turn));
    note(await typed(`showing ${agent.name}`, () => program.show(agent.id)));
  }
  for (const turn of agent.turns.values()) {
    const difference = differenceOf(turn, seen.get(turn.id));
    if (difference !== undefined) throw new Found(lost(`${agent.name}'s ${turn.id}: ${difference}`));
  }
}

function differenceOf(known: KnownTurn, found: TurnView | undefined): string | undefined {
  if (found === undefined) return "it is not there";
  if (found.user !== known.user)
    return `the message is ${JSON.stringify(found.user)}, not ${JSON.stringify(known.user)}`;
  if (known.results !== undefined && JSON.stringify(found.results) !== JSON.stringify(known.results))
    return `its results are ${JSON.stringify(found.results)}, not ${JSON.stringify(known.results)}`;
  const files = attachedTo(known.user).map(attachmentView);
  if (JSON.stringify(found.attachments ?? []) !== JSON.stringify(files))
    return `its attachments are ${JSON.stringify(found.attachments)}, not ${JSON.stringify(files)}`;
  if (found.parent !== known.parent) return `it follows ${found.parent}, not ${known.parent}`;
  if (known.answer === undefined) return undefined;
  if (found.state !== "done") return `it is ${found.state}`;
  if (found.answer === known.answer.text) return undefined;
  return `the answer is ${JSON.stringify(found.answer)}, not ${JSON.stringify(known.answer.text)}`;
}

/** Checks that after the newest fully known turn the next answer is that of an undisturbed agent. */
async function checkMemory(program: Program, agent: KnownAgent, truth: Truth, oracle: Oracle): Promise<void> {
  const turn = [...agent.turns.keys()].reverse().find((id) => {
    const found = truth.pathTo(agent, id);
    return found !== undefined && found.length <= longestPath;
  });
  const path = truth.pathTo(agent, turn) ?? [];
  await typed(`rewinding ${agent.name}`, () => program.rewind(agent.id, turn));
  const answer = await typed(`asking ${agent.name}`, () => program.ask(agent.id, probe));
  const expected = await oracle.answer([...path, probe]);
  if (answer.ids !== expected.ids)
    throw new Found(wrong(`${agent.name} at ${turn} answers [${answer.ids}], not [${expected.ids}]`));
}

async function typed<T>(what: string, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    throw new Found(lost(`${what}: ${messageOf(error)}`));
  }
}

export function messageOf(error: unknown): string {
  if (error instanceof ResidentError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message).split("\n").slice(0, 3).join(" ") : String(error);
}
