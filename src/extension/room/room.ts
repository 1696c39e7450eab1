/** The room's conversation: one message to several agents, their answers side by side. Knows no VS Code. */
import { type Disposable, DisposableStore } from "../../common/disposables";
import { InvalidRequestError, toErrorInfo } from "../../common/errors";
import { freeName } from "../../common/names";
import type { PageTurn } from "../../protocol/page";
import type { Addressees, RoomAnswer, RoomMember, RoomMessage, RoomMessageId, RoomUpdate } from "../../protocol/room";
import type { AgentId, AgentSummary, ResidentService, Running, TurnId, TurnView } from "../../protocol/service";
import { problemOf } from "../commands/errorText";
import { pageTurn, readOnlyProblem } from "../pages/pageModel";
import { RunFollower } from "../pages/runFollower";
import { addressed, fitting, type MemberRecord, readMembers, roomMembers, withAsked, withMembers } from "./roomMembers";
import { readMessages } from "./roomMessages";

/** Messages that are kept with the workspace, newest last. */
const maxMessages = 30;

/** A turn that has ended is the agent's last, or the one before if it was asked again at once. */
const newestTurns = 2;

export interface RoomPorts {
  readonly door: () => Promise<ResidentService>;
  readonly post: (update: RoomUpdate) => void;
  readonly language: string;
  readonly memory: RoomMemory;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Plain data that outlives the window: VS Code's workspace state. */
export interface RoomMemory {
  get(key: string): unknown;
  update(key: string, value: unknown): void;
}

const membersKey = "room.members";
const messagesKey = "room.messages";

export class Room implements Disposable {
  private readonly store = new DisposableStore();
  /** Running answers by agent: an agent answers one message at a time. */
  private readonly running = new Map<AgentId, RunFollower>();
  private records: readonly MemberRecord[];
  private messages: readonly RoomMessage[];

  constructor(private readonly ports: RoomPorts) {
    this.records = readMembers(ports.memory.get(membersKey));
    this.messages = readMessages(ports.memory.get(messagesKey));
  }

  /** Answers with what is running at this moment: what comes next is posted. */
  get shown(): readonly RoomMessage[] {
    return this.messages.map((message) => ({
      ...message,
      answers: message.answers.map((answer) => this.current(answer)),
    }));
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

  /** Starts all answers together, so that the engine batches them. Resolves when each has started or was refused. */
  async ask(text: string, to: Addressees): Promise<RoomMessage> {
    if (text.trim() === "") throw new InvalidRequestError("the message is empty", "write something first");
    const asked = addressed(await this.members(), to);
    if (asked.length === 0)
      throw new InvalidRequestError("no agent in the room was asked", "add an agent, or include one");
    const askedAt = this.ports.now();
    const message: RoomMessage = {
      id: `m${askedAt.toString(36)}-${this.messages.length}`,
      text,
      to,
      askedAt,
      answers: asked.map(({ agent }) => ({ agent: agent.id, name: agent.name, index: agent.index, folded: false })),
    };
    this.messages = [...this.messages, message].slice(-maxMessages);
    this.ports.post({ type: "message", message });
    await Promise.all(asked.map(({ agent }) => this.start(message.id, agent, text)));
    return message;
  }

  /** Those whom a message would ask read what is written of it; as many of them as the pool can hold together. */
  async readAhead(text: string, to: Addressees): Promise<void> {
    const door = await this.ports.door();
    const { pool, agents } = await door.status();
    const asked = addressed(roomMembers(this.records, agents), to);
    const readers = asked.filter(({ agent }) => !agent.lockedElsewhere);
    const together = pool === undefined ? readers : fitting(readers, pool.totalBlocks * pool.blockTokens);
    await Promise.all(together.map(({ agent }) => door.warmAgent(agent.id, text)));
  }

  /** A fork of an agent that could not be asked joins the room and is asked the same. */
  async askFork(id: RoomMessageId, agent: AgentId): Promise<void> {
    const message = this.messages.find((candidate) => candidate.id === id);
    if (!message) throw new InvalidRequestError("this message is gone", "ask again");
    const door = await this.ports.door();
    const name = message.answers.find((answer) => answer.agent === agent)?.name ?? agent;
    const taken = (await door.listAgents()).map((other) => other.name);
    const fork = await door.forkAgent(agent, freeName(name, taken));
    await this.add(fork.id);
    this.change(id, (answers) => [...answers, { agent: fork.id, name: fork.name, index: fork.index, folded: false }]);
    await this.start(id, fork, message.text);
  }

  /** Answers again, in the same place. */
  async regenerate(agent: AgentId, turn: TurnId): Promise<void> {
    const message = this.messages.find(({ answers }) => answers.some((answer) => answer.turn?.id === turn));
    if (!message) throw new InvalidRequestError("this message is gone", "ask again");
    const door = await this.ports.door();
    await this.follow(message.id, agent, await door.regenerate(agent, turn));
  }

  stop(agent: AgentId): void {
    this.running.get(agent)?.running.abort();
  }

  stopAll(): void {
    for (const { running } of this.running.values()) running.abort();
  }

  fold(id: RoomMessageId, agent: AgentId, folded: boolean): void {
    this.change(id, (answers) => answers.map((answer) => (answer.agent === agent ? { ...answer, folded } : answer)));
    this.keepMessages();
  }

  /** The engine was restarted: what ran has ended. */
  drop(): void {
    for (const follower of this.running.values()) follower.dispose();
    this.running.clear();
  }

  dispose(): void {
    this.drop();
    this.store.dispose();
  }

  private async start(id: RoomMessageId, agent: AgentSummary, text: string): Promise<void> {
    const locked = readOnlyProblem(agent);
    if (locked) {
      this.setAnswer(id, agent.id, { refusal: locked });
      return;
    }
    try {
      const door = await this.ports.door();
      await this.follow(id, agent.id, await door.send(agent.id, { text }));
    } catch (error) {
      this.setAnswer(id, agent.id, { refusal: problemOf(toErrorInfo(error), { language: this.ports.language }) });
    }
  }

  private async follow(message: RoomMessageId, agent: AgentId, running: Running): Promise<void> {
    // Before anything is awaited: a rejection that nobody hears would end the process.
    const ended = running.done.then(
      () => {},
      () => {}, // the turn carries its failure
    );
    const follower = new RunFollower(running, (update) => this.ports.post({ ...update, message, agent }));
    this.running.get(agent)?.dispose();
    this.running.set(agent, follower);
    const turn = await this.head(agent);
    if (turn) this.setAnswer(message, agent, { turn: pageTurn(turn, this.ports.language, follower.state) });
    ended
      .then(() => this.end(message, agent, follower, turn?.id))
      .catch((error: unknown) => {
        const { text } = follower.state;
        if (turn) this.setEnd(message, agent, { ...turn, answer: text, state: "failed", error: toErrorInfo(error) });
      });
  }

  private async end(
    message: RoomMessageId,
    agent: AgentId,
    follower: RunFollower,
    turn: TurnId | undefined,
  ): Promise<void> {
    follower.flush();
    follower.dispose();
    if (this.running.get(agent) === follower) this.running.delete(agent);
    const door = await this.ports.door();
    const { turns } = await door.getAgent(agent, newestTurns);
    const finished = turns.find(({ id }) => id === turn);
    if (finished) this.setEnd(message, agent, finished);
    else this.finishMessage(message);
    await this.postMembers();
  }

  private setEnd(message: RoomMessageId, agent: AgentId, turn: TurnView): void {
    this.setAnswer(message, agent, { turn: pageTurn(turn, this.ports.language) });
    this.finishMessage(message);
  }

  private async head(agent: AgentId) {
    const door = await this.ports.door();
    return (await door.getAgent(agent, newestTurns)).turns.at(-1);
  }

  /** When the last answer has ended, the message has. */
  private finishMessage(id: RoomMessageId): void {
    const message = this.messages.find((candidate) => candidate.id === id);
    const open = message?.answers.some(({ turn, refusal }) => !refusal && (!turn || turn.state === "running"));
    if (!message || open) return;
    const ended: RoomMessage = { ...message, endedAt: this.ports.now() };
    this.messages = this.messages.map((candidate) => (candidate.id === id ? ended : candidate));
    this.ports.post({ type: "message", message: ended });
    this.keepMessages();
  }

  private setAnswer(
    id: RoomMessageId,
    agent: AgentId,
    outcome: { readonly turn: PageTurn } | { readonly refusal: NonNullable<RoomAnswer["refusal"]> },
  ): void {
    this.change(id, (answers) =>
      answers.map((answer) => {
        if (answer.agent !== agent) return answer;
        const changed = { agent, name: answer.name, index: answer.index, folded: answer.folded, ...outcome };
        this.ports.post({ type: "answer", message: id, answer: changed });
        return changed;
      }),
    );
    if ("refusal" in outcome) this.finishMessage(id);
  }

  private change(id: RoomMessageId, work: (answers: readonly RoomAnswer[]) => readonly RoomAnswer[]): void {
    this.messages = this.messages.map((message) =>
      message.id === id ? { ...message, answers: work(message.answers) } : message,
    );
  }

  private current(answer: RoomAnswer): RoomAnswer {
    const follower = this.running.get(answer.agent);
    if (!follower || answer.turn?.state !== "running") return answer;
    const { text, progress, figures } = follower.state;
    return {
      ...answer,
      turn: { ...answer.turn, answer: text, ...(progress ? { progress } : {}), ...(figures ? { figures } : {}) },
    };
  }

  private keepMembers(records: readonly MemberRecord[]): void {
    this.records = records;
    this.ports.memory.update(membersKey, records);
  }

  private keepMessages(): void {
    this.ports.memory.update(messagesKey, this.messages);
  }
}
