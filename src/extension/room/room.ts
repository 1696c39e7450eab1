/** The room's conversation: one message to several agents, their answers side by side. Knows no VS Code. */
import { type Disposable, DisposableStore } from "../../common/disposables";
import { InvalidRequestError, toErrorInfo } from "../../common/errors";
import { freeName } from "../../common/names";
import type { Problem } from "../../protocol/page";
import type { Addressees, RoomAnswer, RoomMember, RoomMessage, RoomMessageId, RoomUpdate } from "../../protocol/room";
import type { AgentId, AgentSummary, ResidentService, Running, TurnId, TurnView } from "../../protocol/service";
import { problemOf } from "../commands/errorText";
import { pageTurn, readOnlyProblem } from "../pages/pageModel";
import { RunFollower } from "../pages/runFollower";
import {
  addressed,
  byModel,
  fitting,
  type MemberRecord,
  readMembers,
  roomMembers,
  withAsked,
  withMembers,
} from "./roomMembers";
import { RoomThread } from "./roomThread";

/** An answer that has ended is its agent's last turn, or the one before if the agent was asked again at once. */
const newestTurns = 2;

export interface RoomPorts {
  readonly door: () => Promise<ResidentService>;
  readonly post: (update: RoomUpdate) => void;
  readonly language: string;
  readonly memory: RoomMemory;
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

const membersKey = "room.members";
const messagesKey = "room.messages";

export class Room implements Disposable {
  private readonly store = new DisposableStore();
  /** Running answers by agent: an agent answers one message at a time. */
  private readonly running = new Map<AgentId, RunFollower>();
  private readonly thread: RoomThread;
  private records: readonly MemberRecord[];
  private numAsked = 0;

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
  async ask(text: string, to: Addressees): Promise<RoomMessage> {
    if (text.trim() === "") throw new InvalidRequestError("the message is empty", "write something first");
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
      to,
      askedAt,
      answers: asked.map(({ agent }) => newAnswer(agent)),
    };
    this.thread.add(message);
    await Promise.all(asked.map(({ agent }) => this.start(message.id, agent, text)));
    this.thread.keep();
    return message;
  }

  /** The agents that a message would ask read its draft; as many of them as the pool can hold together. */
  async readAhead(text: string, to: Addressees): Promise<void> {
    const door = await this.ports.door();
    const { pool, agents } = await door.status();
    const asked = addressed(roomMembers(this.records, agents), to);
    const readers = asked.filter(({ unavailable }) => unavailable === undefined);
    const together = pool === undefined ? readers : fitting(readers, pool.totalBlocks * pool.blockTokens);
    await Promise.all(together.map(({ agent }) => door.warmAgent(agent.id, text)));
  }

  /** A fork of an agent that could not be asked joins the room and is asked the same. */
  async askFork(id: RoomMessageId, agent: AgentId): Promise<void> {
    const message = this.thread.find(id);
    const door = await this.ports.door();
    const name = message.answers.find((answer) => answer.agent === agent)?.name ?? agent;
    const taken = (await door.listAgents()).map((other) => other.name);
    const fork = await door.forkAgent(agent, freeName(name, taken));
    await this.add(fork.id);
    this.thread.addAnswer(id, agent, newAnswer(fork));
    await this.start(id, fork, message.text);
  }

  /** Answers again, in the same place. */
  async regenerate(agent: AgentId, turn: TurnId): Promise<void> {
    const { id } = this.thread.withTurn(turn);
    const door = await this.ports.door();
    const running = await door.regenerate(agent, turn);
    this.thread.startAgain(id);
    await this.follow(id, agent, running);
  }

  /** Goes on with an answer that was cut. */
  async continueAnswer(agent: AgentId, turn: TurnId): Promise<void> {
    const { id } = this.thread.withTurn(turn);
    const door = await this.ports.door();
    if ((await this.head(agent))?.id !== turn)
      throw new InvalidRequestError("the agent has answered something else since", "open its panel to go on from here");
    const running = await door.continueAnswer(agent);
    this.thread.startAgain(id);
    await this.follow(id, agent, running);
  }

  /** The messages leave the room. The agents keep their turns, and answers that run go on. */
  clear(): void {
    this.drop();
    this.thread.clear();
  }

  stop(agent: AgentId): void {
    this.running.get(agent)?.running.abort();
  }

  stopAll(): void {
    for (const { running } of this.running.values()) running.abort();
  }

  fold(id: RoomMessageId, agent: AgentId, folded: boolean): void {
    this.thread.fold(id, agent, folded);
  }

  /** Follows no answer any more: the engine was restarted, so what ran has ended. */
  drop(): void {
    for (const follower of this.running.values()) follower.dispose();
    this.running.clear();
  }

  dispose(): void {
    this.drop();
    this.store.dispose();
  }

  private async start(id: RoomMessageId, agent: AgentSummary, text: string): Promise<void> {
    const unavailable = readOnlyProblem(agent);
    if (unavailable) return this.refuse(id, agent.id, unavailable);
    try {
      const door = await this.ports.door();
      await this.follow(id, agent.id, await door.send(agent.id, { text }));
    } catch (error) {
      this.refuse(id, agent.id, problemOf(toErrorInfo(error), { language: this.ports.language }));
    }
  }

  private refuse(id: RoomMessageId, agent: AgentId, refusal: Problem): void {
    this.thread.setAnswer(id, agent, { refusal });
    this.thread.finish(id);
  }

  private async follow(message: RoomMessageId, agent: AgentId, running: Running): Promise<void> {
    // Before anything is awaited: an unhandled rejection would end the process.
    const ended: Promise<unknown> = running.done.then(
      () => undefined,
      (error: unknown) => error,
    );
    const follower = new RunFollower(running, (update) => this.ports.post({ ...update, message, agent }));
    this.running.get(agent)?.dispose();
    this.running.set(agent, follower);
    const turn = await this.head(agent);
    if (turn) this.thread.setAnswer(message, agent, { turn: pageTurn(turn, this.ports.language, follower.state) });
    ended
      .then((failure) => this.end(message, agent, follower, turn, failure))
      .catch((error: unknown) => {
        if (turn) this.setEnd(message, agent, cutOff(turn, follower, error));
      });
  }

  /** `failure` is what the answer was rejected with. */
  private async end(
    message: RoomMessageId,
    agent: AgentId,
    follower: RunFollower,
    turn: TurnView | undefined,
    failure: unknown,
  ): Promise<void> {
    follower.flush();
    follower.dispose();
    if (this.running.get(agent) === follower) this.running.delete(agent);
    const door = await this.ports.door();
    const { turns } = await door.getAgent(agent, newestTurns);
    const finished = turns.find(({ id }) => id === turn?.id);
    if (finished) this.setEnd(message, agent, finished);
    // A message that does not fit the context is no turn of the agent any more.
    else if (turn && failure !== undefined) this.setEnd(message, agent, cutOff(turn, follower, failure));
    else this.thread.finish(message);
    await this.postMembers();
  }

  private setEnd(message: RoomMessageId, agent: AgentId, turn: TurnView): void {
    this.thread.setAnswer(message, agent, { turn: pageTurn(turn, this.ports.language) });
    this.thread.finish(message);
  }

  private async head(agent: AgentId) {
    const door = await this.ports.door();
    return (await door.getAgent(agent, newestTurns)).turns.at(-1);
  }

  private withRunning(message: RoomMessage): RoomMessage {
    return { ...message, answers: message.answers.map((answer) => this.current(answer)) };
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
    this.tellMembers();
  }

  private tellMembers(): void {
    this.ports.onMembers(new Set(this.records.map(({ agent }) => agent)));
  }
}

function cutOff(turn: TurnView, follower: RunFollower, error: unknown): TurnView {
  return { ...turn, answer: follower.state.text, state: "failed", error: toErrorInfo(error) };
}

function newAnswer({ id, name, index, modelDirectory, modelName }: AgentSummary): RoomAnswer {
  return { agent: id, name, index, model: { directory: modelDirectory, name: modelName }, folded: false };
}
