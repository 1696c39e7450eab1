/** The room's conversation: one message to several agents, their answers side by side. Knows no VS Code. */
import { type Attachment, type AttachmentView, attachmentView } from "../../common/attachments";
import type { Disposable } from "../../common/disposables";
import { InvalidRequestError, toErrorInfo } from "../../common/errors";
import { modelLabel } from "../../common/modelLabel";
import { freeName } from "../../common/names";
import type { Problem } from "../../protocol/page";
import type { Addressees, RoomAnswer, RoomMember, RoomMessage, RoomMessageId, RoomUpdate } from "../../protocol/room";
import type { AgentId, AgentSummary, ResidentService, TurnId, TurnView } from "../../protocol/service";
import { isStep, turnsOf } from "../../protocol/turnSteps";
import { problemOf } from "../commands/errorText";
import { pageTurn, readOnlyProblem } from "../pages/pageModel";
import {
  addressed,
  byModel,
  enginePlace,
  fitting,
  type MemberRecord,
  readMembers,
  roomMembers,
  withAsked,
  withMembers,
} from "./roomMembers";
import { RoomRuns } from "./roomRuns";
import { RoomThread } from "./roomThread";

export interface RoomPorts {
  readonly door: () => Promise<ResidentService>;
  readonly post: (update: RoomUpdate) => void;
  readonly language: string;
  readonly memory: RoomMemory;
  /** What a message tells an agent of its pinned files. */
  readonly changes: (agent: AgentId) => Promise<readonly Attachment[]>;
  /** Called with the agents in the room, at the start and after each change. */
  readonly onMembers: (members: ReadonlySet<AgentId>) => void;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Plain data that outlives the window: VS Code's workspace state. */
export interface RoomMemory {
  get(key: string): unknown;
  update(key: string, value: unknown): void;
}

/** A part of what a message carried, in the conversation of an agent. */
export interface KeptAttachment {
  readonly agent: AgentId;
  readonly turn: TurnId;
  readonly index: number;
  readonly view: AttachmentView;
}

const membersKey = "room.members";
const messagesKey = "room.messages";

export class Room implements Disposable {
  private readonly thread: RoomThread;
  private readonly runs: RoomRuns;
  private records: readonly MemberRecord[];
  private numAsked = 0;
  /** What messages of this window carried: an agent that could not be asked has it not. */
  private readonly carried = new Map<RoomMessageId, readonly Attachment[]>();

  constructor(private readonly ports: RoomPorts) {
    const { memory, now } = ports;
    this.records = readMembers(memory.get(membersKey));
    this.tellMembers();
    this.thread = new RoomThread({
      post: (update) =>
        ports.post(update.type === "message" ? { ...update, message: this.withRunning(update.message) } : update),
      now,
      stored: memory.get(messagesKey),
      keep: (messages) => memory.update(messagesKey, messages),
    });
    this.runs = new RoomRuns({ ...ports, thread: this.thread });
  }

  /** Answers with what is running at this moment: what comes next is posted. */
  get shown(): readonly RoomMessage[] {
    return this.thread.messages.map((message) => this.withRunning(message));
  }

  /** Takes from the agents what became of the answers that ran when the last window closed. */
  async recover(): Promise<void> {
    const door = await this.ports.door();
    const known = new Set((await door.listAgents()).map(({ id }) => id));
    for (const { id, answers } of this.thread.messages) {
      for (const { agent, turn } of answers) {
        if (turn?.state !== "interrupted" || !known.has(agent)) continue;
        const { turns } = await door.getAgent(agent);
        const found = turns.find((candidate) => candidate.id === turn.id);
        if (found) this.thread.setAnswer(id, agent, { turn: pageTurn(found, this.ports.language) });
      }
    }
  }

  async members(): Promise<readonly RoomMember[]> {
    const door = await this.ports.door();
    return roomMembers(this.records, await door.listAgents());
  }

  async setMembers(chosen: readonly AgentId[]): Promise<void> {
    this.keepMembers(withMembers(this.records, chosen));
    await this.postMembers();
  }

  async add(agent: AgentId): Promise<void> {
    await this.setMembers([...this.records.map((record) => record.agent), agent]);
  }

  async remove(agent: AgentId): Promise<void> {
    await this.setMembers(this.records.map((record) => record.agent).filter((id) => id !== agent));
  }

  async include(agent: AgentId, asked: boolean): Promise<void> {
    this.keepMembers(withAsked(this.records, agent, asked));
    await this.postMembers();
  }

  async postMembers(): Promise<void> {
    this.ports.post({ type: "members", members: await this.members() });
  }

  /**
   * Starts all answers together, so that the engine batches them. Resolves when each has started or was refused; an agent
   * that cannot be asked in this window has a refusal as its answer.
   */
  async ask(text: string, to: Addressees, attachments: readonly Attachment[] = []): Promise<RoomMessage> {
    if (text.trim() === "" && attachments.length === 0)
      throw new InvalidRequestError("the message is empty", "write something first");
    const door = await this.ports.door();
    const { engine, agents } = await door.status();
    const loaded = engine.type === "ready" ? engine.model.directory : undefined;
    const asked = byModel(addressed(roomMembers(this.records, agents), to), loaded);
    if (asked.length === 0)
      throw new InvalidRequestError("no agent in the room was asked", "add an agent, or include one");
    const askedAt = this.ports.now();
    this.numAsked += 1;
    const message: RoomMessage = {
      id: `m${askedAt.toString(36)}-${this.numAsked}`,
      text,
      ...(attachments.length === 0 ? {} : { attachments: attachments.map(attachmentView) }),
      to,
      askedAt,
      answers: asked.map(({ agent }) => newAnswer(agent)),
    };
    this.thread.add(message);
    this.remember(message.id, attachments);
    await Promise.all(asked.map(({ agent }) => this.start(message.id, agent, text, attachments)));
    this.thread.keep();
    return message;
  }

  /** The agents that a message would ask read its draft; as many of them as the pool can hold together. */
  async readAhead(text: string, to: Addressees, attachments: readonly Attachment[] = []): Promise<void> {
    const door = await this.ports.door();
    const { pool, agents } = await door.status();
    const asked = addressed(roomMembers(this.records, agents), to);
    const readers = asked.filter(({ unavailable }) => unavailable === undefined);
    const together = pool === undefined ? readers : fitting(readers, pool.totalBlocks * pool.blockTokens);
    await Promise.all(
      together.map(async ({ agent }) => door.warmAgent(agent.id, text, await this.carriedTo(agent.id, attachments))),
    );
  }

  /** A fork of an agent that could not be asked joins the room and is asked the same. */
  async askFork(id: RoomMessageId, agent: AgentId): Promise<void> {
    const message = this.thread.find(id);
    const door = await this.ports.door();
    const attachments = await this.attachmentsOf(message);
    const name = message.answers.find((answer) => answer.agent === agent)?.name ?? agent;
    const taken = (await door.listAgents()).map((other) => other.name);
    const fork = await door.forkAgent(agent, freeName(name, taken));
    await this.add(fork.id);
    this.thread.addAnswer(id, agent, newAnswer(fork));
    await this.start(id, fork, message.text, attachments);
  }

  /** Where a part of what a message carried is kept: the turn of an agent that was asked. */
  async keeperOf(id: RoomMessageId, index: number): Promise<KeptAttachment> {
    const message = this.thread.find(id);
    const view = message.attachments?.[index];
    if (view === undefined)
      throw new InvalidRequestError(`there is no attachment ${index + 1}`, "choose one that is shown");
    return keptIn(await this.keeper(message), view);
  }

  /** Answers again, in the same place. */
  async regenerate(agent: AgentId, turn: TurnId): Promise<void> {
    const { id } = this.thread.withTurn(turn);
    const door = await this.ports.door();
    const running = await door.regenerate(agent, turn);
    this.thread.startAgain(id);
    await this.runs.follow(id, agent, running);
  }

  /** Goes on with an answer that was cut. */
  async continueAnswer(agent: AgentId, turn: TurnId): Promise<void> {
    const { id } = this.thread.withTurn(turn);
    const door = await this.ports.door();
    if ((await this.runs.head(agent))?.id !== turn)
      throw new InvalidRequestError("the agent has answered something else since", "open its panel to go on from here");
    const running = await door.continueAnswer(agent);
    this.thread.startAgain(id);
    await this.runs.follow(id, agent, running);
  }

  /** A turn of the agent has begun: where it is a further step of an answer in the room, that goes on. */
  async turnStarted(agent: AgentId): Promise<void> {
    const waiting = this.thread.waiting(agent);
    if (waiting === undefined) return;
    const step = await this.runs.head(agent);
    if (step?.parent !== waiting.turn || !isStep(step)) return;
    const running = await (await this.ports.door()).running(agent);
    if (running === undefined) return;
    this.thread.goOn(waiting.message, agent);
    await this.runs.follow(waiting.message, agent, running);
  }

  /** The messages leave the room. The agents keep their turns, and answers that run go on. */
  clear(): void {
    this.drop();
    this.carried.clear();
    this.thread.clear();
  }

  stop(agent: AgentId): void {
    this.runs.stop(agent);
  }

  stopAll(): void {
    this.runs.stopAll();
  }

  fold(id: RoomMessageId, agent: AgentId, folded: boolean): void {
    this.thread.fold(id, agent, folded);
  }

  /** The engine was restarted: what ran has ended. */
  drop(): void {
    this.runs.dispose();
  }

  dispose(): void {
    this.runs.dispose();
  }

  private remember(id: RoomMessageId, attachments: readonly Attachment[]): void {
    const shown = new Set(this.thread.messages.map((message) => message.id));
    for (const old of this.carried.keys()) if (!shown.has(old)) this.carried.delete(old);
    if (attachments.length > 0) this.carried.set(id, attachments);
  }

  /** Of this window it is known; of an earlier one the agents have it. */
  private async attachmentsOf(message: RoomMessage): Promise<readonly Attachment[]> {
    const { id, attachments = [] } = message;
    const known = this.carried.get(id);
    if (known !== undefined || attachments.length === 0) return known ?? [];
    const door = await this.ports.door();
    const keeper = await this.keeper(message);
    return Promise.all(
      attachments.map(async (view) => {
        const { length: _, ...rest } = view;
        const { agent, turn, index } = keptIn(keeper, view);
        return { ...rest, text: await door.attachmentText(agent, turn, index) };
      }),
    );
  }

  /** The first agent that has the message still: all that were asked have what it carried. */
  private async keeper({ answers }: RoomMessage): Promise<Keeper> {
    const door = await this.ports.door();
    for (const { agent, turn } of answers) {
      if (turn === undefined) continue;
      const { turns } = await door.getAgent(agent).catch(() => ({ turns: [] }));
      const first = turnsOf(turns).find((steps) => steps.some((step) => step.id === turn.id))?.[0];
      if (first !== undefined) return { agent, turn: first };
    }
    throw nobodyHasIt();
  }

  /** The changes of an agent's pinned files come first. */
  private async carriedTo(agent: AgentId, attachments: readonly Attachment[]): Promise<readonly Attachment[]> {
    return [...(await this.ports.changes(agent)), ...attachments];
  }

  private async start(
    id: RoomMessageId,
    agent: AgentSummary,
    text: string,
    carried: readonly Attachment[],
  ): Promise<void> {
    const unavailable = readOnlyProblem(agent);
    if (unavailable) return this.refuse(id, agent.id, unavailable);
    try {
      const door = await this.ports.door();
      const attachments = await this.carriedTo(agent.id, carried);
      await this.runs.follow(id, agent.id, await door.send(agent.id, { text, attachments }));
    } catch (error) {
      this.refuse(id, agent.id, problemOf(toErrorInfo(error), { language: this.ports.language }));
    }
  }

  private refuse(id: RoomMessageId, agent: AgentId, refusal: Problem): void {
    this.thread.setAnswer(id, agent, { refusal });
    this.thread.finish(id);
  }

  private withRunning(message: RoomMessage): RoomMessage {
    return { ...message, answers: message.answers.map((answer) => this.runs.current(answer)) };
  }

  private keepMembers(records: readonly MemberRecord[]): void {
    this.records = records;
    this.ports.memory.update(membersKey, records);
    this.tellMembers();
  }

  private tellMembers(): void {
    this.ports.onMembers(new Set(this.records.map(({ agent }) => agent)));
  }
}

/** The turn of an agent that has what a message carried. */
interface Keeper {
  readonly agent: AgentId;
  readonly turn: TurnView;
}

function keptIn({ agent, turn: { id, attachments = [] } }: Keeper, view: AttachmentView): KeptAttachment {
  const index = attachments.findIndex(({ kind, digest }) => kind === view.kind && digest === view.digest);
  if (index < 0) throw nobodyHasIt();
  return { agent, turn: id, index, view };
}

function nobodyHasIt(): InvalidRequestError {
  return new InvalidRequestError("no agent has what this message carried any more", "attach it again");
}

function newAnswer(agent: AgentSummary): RoomAnswer {
  const { id, name, index } = agent;
  const model = { directory: enginePlace(agent), name: modelLabel(agent) };
  return { agent: id, name, index, model, folded: false };
}
