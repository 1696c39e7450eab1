/** An agent that acts: the real core with a scripted model, over a workspace in memory. */
import { Acting } from "../../../src/acting/acting";
import { PendingApprovals } from "../../../src/acting/approvals";
import { builtInSpecs } from "../../../src/acting/builtInTools";
import type { ActingPorts, Decision, DelegatingDoor, Limits, OtherTools } from "../../../src/acting/ports";
import type { Agents } from "../../../src/agents/agents";
import type { ToolResult, ToolSpec } from "../../../src/common/tools";
import type { ActingState } from "../../../src/protocol/acting";
import type { AgentDetail, TurnView } from "../../../src/protocol/service";
import { AgentRig } from "../agents/agentRig";
import { FakeLocks } from "../store/fakes";
import { digest, FakeCommands, FakeProblems, FakeWorkspace } from "./fakeWorkspace";
import { HandClock, MemoryCheckpoints, MemoryJournal, MemoryPermissions, MemorySeen } from "./kept";
import { type Script, ScriptedModel } from "./scriptedModel";

/** The door in one process. */
function doorOf(
  agents: Agents,
  onReadAhead: (agent: string, results: readonly ToolResult[], read: Promise<unknown>) => void,
): DelegatingDoor {
  return {
    onEvent: (listener) =>
      agents.onEvent((event) => {
        if (event.type === "turnStarted") listener({ type: "turnStarted", id: event.id, turn: event.turn });
        if (event.type === "deleted") listener({ type: "agent", id: event.id });
      }),
    getAgent: (id, newest) => agents.get(id, newest),
    running: async (id) => agents.running(id),
    send: (id, request) => agents.send(id, request),
    sendResults: (id, request) => agents.sendResults(id, request),
    regenerate: (id, turn) => agents.regenerate(id, turn),
    continueAnswer: (id) => agents.continueAnswer(id),
    forkAgent: (id, name, turn, options) => agents.fork(id, name, turn, options),
    readAheadResults: (id, results) => {
      const read = agents.readAheadResults(id, results);
      onReadAhead(id, results, read);
      return read;
    },
  };
}

export interface ActingRigOptions {
  readonly files?: Readonly<Record<string, string>>;
  readonly contextTokens?: number;
  readonly tools?: readonly ToolSpec[];
  readonly limits?: Limits;
  readonly maxAnswerTokens?: number;
}

/** What stays when the program is started anew. */
class Disk {
  readonly locks = new FakeLocks();
  readonly workspace: FakeWorkspace;
  readonly journal = new MemoryJournal();
  readonly checkpoints = new MemoryCheckpoints();
  readonly seen = new MemorySeen();
  readonly permissions = new MemoryPermissions();

  constructor(files: Readonly<Record<string, string>>) {
    this.workspace = new FakeWorkspace(files);
  }
}

export class ActingRig {
  readonly agents: AgentRig;
  readonly model: ScriptedModel;
  readonly acting: Acting;
  readonly approvals = new PendingApprovals();
  readonly commands = new FakeCommands();
  readonly problems = new FakeProblems();
  readonly clock = new HandClock();
  readonly others: { -readonly [Key in keyof OtherTools]: OtherTools[Key] } & {
    readonly tools: Map<string, () => string>;
  };
  readonly states: ActingState[] = [];
  readonly aheads: { readonly agent: string; readonly results: readonly ToolResult[] }[] = [];
  /** Resolves when they have been read. */
  lastAhead: Promise<unknown> = Promise.resolve();
  readonly errors: unknown[] = [];
  /** A test may put another function in place of one. */
  readonly door: { -readonly [Key in keyof DelegatingDoor]: DelegatingDoor[Key] };
  readonly disk: Disk;
  limits: Limits;

  constructor(
    readonly home: string,
    script: Script,
    private readonly options: ActingRigOptions = {},
    before?: ActingRig,
  ) {
    this.disk = before?.disk ?? new Disk(options.files ?? {});
    this.limits = options.limits ?? { steps: 50, minutes: 30 };
    this.model = new ScriptedModel(script);
    this.agents = new AgentRig(home, {
      contextTokens: options.contextTokens ?? 20_000,
      totalBlocks: 800,
      identity: { blockTokens: 64 },
      maxAnswerTokens: options.maxAnswerTokens ?? 64,
      locks: this.disk.locks,
      decoder: this.model.decoder,
    });
    const tools = new Map<string, () => string>();
    this.others = { tools, has: (name) => tools.has(name), run: async (name) => ({ text: tools.get(name)?.() ?? "" }) };
    this.door = doorOf(this.agents.agents, (agent, results, read) => {
      this.aheads.push({ agent, results });
      this.lastAhead = read;
    });
    this.acting = new Acting(this.ports(), (error) => this.errors.push(error));
    this.acting.onState(({ state }) => this.states.push(state));
  }

  private ports(): ActingPorts {
    const { workspace, journal, checkpoints, seen, permissions } = this.disk;
    const { commands, problems, others, approvals, clock } = this;
    return {
      ...{ workspace, journal, checkpoints, seen, permissions, commands, problems, others, approvals, clock, digest },
      door: this.door,
      limits: () => this.limits,
    };
  }

  get workspace(): FakeWorkspace {
    return this.disk.workspace;
  }

  async create(name = "Ada"): Promise<string> {
    const { id } = await this.agents.agents.create({ name, tools: this.options.tools ?? builtInSpecs });
    return id;
  }

  /** Sends a message and follows the turn to its end. */
  async ask(id: string, text: string) {
    await this.agents.agents.send(id, { text });
    return this.acting.follow(id);
  }

  /** Everything waits until a question is there. */
  async question(count = 1) {
    while (this.approvals.questions.length < count) await new Promise((resolve) => setImmediate(resolve));
    return this.approvals.questions;
  }

  async decide(id: string, decision: Decision): Promise<void> {
    const [question] = await this.question();
    if (question !== undefined) this.approvals.decide(id, question.call.id, decision);
  }

  detail(id: string): Promise<AgentDetail> {
    return this.agents.agents.get(id);
  }

  async turns(id: string): Promise<readonly TurnView[]> {
    return (await this.detail(id)).turns;
  }

  /** The texts of all results, in order. */
  async results(id: string): Promise<readonly string[]> {
    return (await this.turns(id)).flatMap(({ results = [] }) => results.map(({ text }) => text));
  }

  /** The program ends and is started anew; the agent is where it was. */
  async restart(script: Script): Promise<ActingRig> {
    this.acting.dispose();
    await this.agents.agents.close();
    return new ActingRig(this.home, script, this.options, this);
  }

  async close(): Promise<void> {
    this.acting.dispose();
    await this.agents.agents.close();
  }
}
