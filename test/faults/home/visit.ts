import { ResidentError } from "../../../src/common/errors";
import type { AgentDetail } from "../../../src/protocol/service";
import { FakeLocks } from "../../support/store/fakes";
import { type Finding, Found, lost, type Verdict, verdictOf, wrong } from "../verdict";
import type { World } from "../world";
import type { Answer } from "./journal";
import { judge, messageOf } from "./judge";
import type { Oracle } from "./oracle";
import { Program } from "./program";
import type { Asked, KnownAgent, Truth } from "./truth";

export interface VisitOptions {
  readonly home: string;
  readonly truth: Truth;
  /** The agent whose folder is damaged; absent: the only allowed effect is that tokens are prefilled again. */
  readonly victim?: string;
  /** Only a cache is damaged: nothing may be refused. */
  readonly cacheOnly?: boolean;
  /** Both logs are unchanged: nothing may be lost. */
  readonly logIsWhole?: boolean;
  /** The files are forged: the victim's contents do not matter. */
  readonly forged?: boolean;
  /** The victim may be impossible to delete. */
  readonly mayStay?: boolean;
}

const question = "What were the names?";

/** Does with a damaged home what users do: list, find, show, ask, delete; and checks the other agents. */
export async function visit(world: World, options: VisitOptions): Promise<Verdict> {
  const { home, truth, victim } = options;
  const { model, oracle } = world;
  const program = new Program({ home, model, locks: new FakeLocks() });
  const refusals: string[] = [];
  const findings: Finding[] = [];
  try {
    const agent = victim === undefined ? undefined : truth.agents.get(victim);
    if (agent !== undefined)
      findings.push(...(await found(() => visitVictim(world, program, agent, options, refusals))));
    const except = new Set(victim === undefined ? [] : [victim]);
    world.stage("looking at the others");
    findings.push(...(await judge(program, truth, oracle, { except, probes: agent === undefined ? 8 : 3 })));
    world.stage("deleting");
    if (agent !== undefined) findings.push(...(await found(() => remove(program, agent, options, refusals))));
  } finally {
    world.stage("closing");
    await program.close();
  }
  const [first] = refusals;
  const outcome = first === undefined ? "harmless" : "refused";
  return verdictOf(findings, { outcome, detail: first ?? "" });
}

async function found(body: () => Promise<void>): Promise<readonly Finding[]> {
  try {
    await body();
    return [];
  } catch (error) {
    if (error instanceof Found) return [error.finding];
    throw error;
  }
}

async function visitVictim(
  { oracle, stage }: World,
  program: Program,
  agent: KnownAgent,
  { truth, forged = false, cacheOnly = false, logIsWhole = false }: VisitOptions,
  refusals: string[],
): Promise<void> {
  const attempt = <T>(what: string, body: () => Promise<T>) => {
    stage(what);
    return typedOrElse(agent, what, body, refusals, cacheOnly);
  };
  await attempt("listing", () => program.list());
  // As `resident generate --agent` does.
  const byName = await attempt("finding by name", async () => {
    const summary = await program.find(agent.name);
    if (summary.damage !== undefined) throw ResidentError.fromInfo(summary.damage);
    return summary;
  });
  // Continuing an agent that is not found creates a new one.
  if (byName === undefined && !forged) {
    const made = await attempt("making one of that name", () =>
      program.take({ do: "create", name: agent.name }).then(() => true),
    );
    if (made === true) throw new Found(wrong(`${agent.name}'s conversation is replaced by an empty one`));
  }
  const detail = await attempt("showing", () => program.show(agent.id));
  if (!forged && detail !== undefined) checkWords(agent, detail);
  const asked = await attempt("asking", () => program.ask(agent.id, question));
  if (asked !== undefined) {
    if (forged) return;
    const gone = [...agent.turns.keys()].filter(
      (id) => isOnWay(agent, id) && !detail?.turns.some((turn) => turn.id === id),
    );
    if (gone.length > 0) throw new Found(lost(`${agent.name} goes on without ${gone.join(", ")}`));
    await checkAnswer(oracle, agent, truth.pathTo(agent, agent.head) ?? [], asked);
    return;
  }
  const repaired = await attempt("repairing", () => program.repair(agent.id));
  if (repaired === undefined) return;
  const after = await attempt("showing again", () => program.show(agent.id));
  const again = await attempt("asking again", () => program.ask(agent.id, question));
  if (forged) return;
  if (after === undefined || again === undefined)
    throw new Found(wrong(`${agent.name} was repaired and ${refusals.at(-1)}`));
  checkWords(agent, after);
  if (logIsWhole) {
    const gone = [...agent.turns.keys()].filter(
      (id) => isOnWay(agent, id) && !after.turns.some((turn) => turn.id === id),
    );
    if (gone.length > 0) throw new Found(lost(`the log is whole, and a repair loses ${gone.join(", ")}`));
  }
  // The continuation of a cut answer is unknown.
  if (after.turns.some(({ state }) => state !== "done")) return;
  await checkAnswer(oracle, agent, truth.pathTo(agent, after.turns.at(-1)?.id) ?? [], again);
}

/** Checks that shown texts are the original ones; an incomplete answer may be only the beginning. */
function checkWords(agent: KnownAgent, { turns }: AgentDetail): void {
  for (const turn of turns) {
    const known = agent.turns.get(turn.id);
    const answer = known?.answer?.text ?? "";
    const isSame = turn.state === "done" ? turn.answer === answer : answer.startsWith(turn.answer);
    if (known?.user !== turn.user || !isSame)
      throw new Found(wrong(`${agent.name}'s ${turn.id} is shown with other words`));
  }
}

async function checkAnswer(oracle: Oracle, agent: KnownAgent, path: readonly Asked[], answer: Answer): Promise<void> {
  const expected = await oracle.answer([...path, question]);
  if (answer.ids === expected.ids) return;
  throw new Found(wrong(`${agent.name} answers [${answer.ids}], not [${expected.ids}]`));
}

function isOnWay({ turns, head }: KnownAgent, id: string): boolean {
  for (let at = head; at !== undefined; at = turns.get(at)?.parent) if (at === id) return true;
  return false;
}

/** The result of `body`; `undefined` when it was refused as expected. */
async function typedOrElse<T>(
  { name, id }: KnownAgent,
  what: string,
  body: () => Promise<T>,
  refusals: string[],
  cacheOnly: boolean,
): Promise<T | undefined> {
  try {
    return await body();
  } catch (error) {
    const message = messageOf(error);
    if (!(error instanceof ResidentError) || error.code === "INTERNAL") throw new Found(wrong(`${what}: ${message}`));
    if (cacheOnly) throw new Found(wrong(`${what} is refused because of a cache: ${message}`));
    const isAboutAgent = error.code.startsWith("AGENT_");
    const isNamed = message.includes(name) || message.includes(id) || JSON.stringify(error.facts).includes(id);
    if (isAboutAgent && !isNamed) throw new Found(wrong(`${what}: it does not say who is meant: ${message}`));
    refusals.push(`${what}: ${message}`);
    return undefined;
  }
}

/** Checks that an agent can be deleted, whatever its folder contains. */
async function remove(program: Program, agent: KnownAgent, { mayStay = false }: VisitOptions, refusals: string[]) {
  try {
    await program.remove(agent.id);
  } catch (error) {
    const message = messageOf(error);
    if (!(error instanceof ResidentError) || error.code === "INTERNAL" || !mayStay)
      throw new Found(wrong(`it cannot be deleted: ${message}`));
    refusals.push(`deleting: ${message}`);
    return;
  }
  const after = await program.list();
  if (after.some(({ id }) => id === agent.id)) throw new Found(wrong("it was deleted and is there"));
}
