/**
 * What makes an agent act: it follows the agent's answers; one that ends with calls is gone on with once all of them have
 * results. It begins wherever the agent is: at a running answer, or at one whose calls wait since before the program was
 * started. A failed call is told to the model and ends nothing; the loop itself ends when an answer calls nothing, when the
 * person stops it or writes something else, and when it is better that a person looks.
 */
import type { Disposable } from "../common/disposables";
import { Emitter } from "../common/events";
import type { DroppedCall, ToolCall, ToolMode, ToolResult } from "../common/tools";
import type { ActingState } from "../protocol/acting";
import type { AgentDetail, AgentId, Running, TurnId, TurnView } from "../protocol/service";
import { AnswerCalls, programEnds } from "./answerCalls";
import { teaching } from "./droppedCalls";
import { goOnFrom } from "./goOnFrom";
import {
  askedIn,
  errorSentence,
  fullText,
  lastWordsNote,
  namesOf,
  noted,
  repeatNote,
  waitingCalls,
  wentOn,
  withNote,
} from "./loopTexts";
import type { LeftQuestion, LoopPorts } from "./ports";
import { roomFor, shareOf, shorter } from "./resultRoom";
import { TurnBudget } from "./turnBudget";
import { wordedCall } from "./wordedCall";

/** Why the loop ended. All but "answered", "stopped" and "elsewhere" are said in `ActingState.stopped`. */
export type LoopEnd = "answered" | "stopped" | "elsewhere" | "limit" | "repeats" | "unreadable" | "full" | "failed";

interface Ended {
  readonly end: LoopEnd;
  /** For the person, one sentence. */
  readonly why?: string;
}

/** The same call with the same result, so often, is a circle. */
const mostRepeats = 3;
/** Answers in a row whose calls could not be read. */
const mostUnreadable = 3;
/** Tokens that an answer needs to say anything. */
const leastRoom = 64;

const idle: ActingState = { calls: [] };

/** `onGone`: it does not wait any more, because the agent answers. */
interface Left extends LeftQuestion {
  readonly onGone: () => void;
}

export interface TurnLoopOptions {
  /** A delegate may only look. */
  readonly readsOnly?: boolean;
  /** Whether an answer was begun since the program was started: its calls were not run by an earlier one. */
  readonly beganHere?: (turn: TurnId) => boolean;
  readonly onError?: (error: unknown) => void;
}

export class TurnLoop implements Disposable {
  private readonly emitter: Emitter<ActingState>;
  private readonly listening: Disposable;
  private current: Promise<LoopEnd> | undefined;
  private shown: ActingState = idle;
  /** Of the calls that run now. */
  private calls: { readonly work: AnswerCalls; readonly abort: AbortController } | undefined;
  private running: Running | undefined;
  private isStopping = false;
  private isDisposed = false;
  /** A turn that starts meanwhile is ours. */
  private isSending = false;
  /** The person wrote something while calls ran. */
  private isSuperseded = false;
  private readonly budget: TurnBudget;
  private unreadable = 0;
  /** The message of the turn. */
  private asked = "";
  /** The turn that ended a circle in words. */
  private saidLast: TurnId | undefined;

  constructor(
    readonly agent: AgentId,
    private readonly ports: LoopPorts,
    private readonly options: TurnLoopOptions = {},
  ) {
    this.emitter = new Emitter<ActingState>(options.onError);
    this.budget = new TurnBudget(ports);
    this.listening = ports.door.onEvent((event) => {
      if (event.type !== "turnStarted" || event.id !== agent || this.isSending || this.calls === undefined) return;
      this.isSuperseded = true;
      this.calls.abort.abort();
    });
  }

  get onState() {
    return this.emitter.event;
  }

  get state(): ActingState {
    return this.shown;
  }

  get isActive(): boolean {
    return this.current !== undefined;
  }

  /**
   * Goes on until the turn is over; while it does, a further call gives the same promise. Never rejects. `isKnown`: calls that
   * wait were never begun, so they need not be asked for again.
   */
  run(isKnown = false): Promise<LoopEnd> {
    this.current ??= this.follow(isKnown);
    return this.current;
  }

  /**
   * The program was started anew: asks again what waited for the person when it ended, and goes on when that is decided. Until then
   * nothing is run, and nothing is asked of the model. Resolves when it is asked; false: it cannot be, and nothing was done.
   */
  askAgain(left: LeftQuestion): Promise<boolean> {
    if (this.current !== undefined) return Promise.resolve(false);
    return new Promise((resolve) => {
      const listening = this.emitter.event(({ calls }) => {
        if (calls.some(({ state }) => state === "waiting")) resolve(true);
      });
      this.current = this.follow(false, { ...left, onGone: () => resolve(false) });
      void this.current.then(() => {
        listening.dispose();
        resolve(false);
      });
    });
  }

  /** After `stopped`: the person lets it go on, with all limits anew. */
  async goOn(): Promise<LoopEnd> {
    await this.current;
    const { turns } = await this.ports.door.getAgent(this.agent, 1);
    const head = turns.at(-1);
    const { door } = this.ports;
    // Its results are in the conversation; its answer could make no calls, or was ended at once.
    if (head !== undefined && head.id === this.saidLast) await door.regenerate(this.agent, head.id);
    else if (head?.results !== undefined && head.finishReason === "aborted") await goOnFrom(door, this.agent, head);
    return this.run(true);
  }

  /** Ends the answer, the command or the question that runs; what was done is in the conversation. Resolves when all of it has ended. */
  async stop(): Promise<void> {
    if (this.current === undefined) return;
    this.isStopping = true;
    this.running?.abort();
    this.calls?.abort.abort();
    await this.current;
  }

  /** The program ends: what runs is ended, and nothing of it becomes a part of the conversation. */
  dispose(): void {
    this.listening.dispose();
    this.isStopping = true;
    this.isDisposed = true;
    this.calls?.abort.abort(programEnds);
    this.emitter.dispose();
  }

  private show(state: ActingState): void {
    this.shown = state;
    this.emitter.fire(state);
  }

  private async follow(isKnown: boolean, left?: Left): Promise<LoopEnd> {
    this.isStopping = this.isDisposed;
    if (this.shown !== idle) this.show(idle);
    let ended: Ended;
    try {
      ended = await this.untilEnd(isKnown, left);
    } catch (error) {
      this.options.onError?.(error);
      ended = { end: "failed", why: errorSentence(error) };
    }
    // Before it is told: who hears it may let it go on at once.
    this.current = undefined;
    this.show(ended.why === undefined ? idle : { calls: [], stopped: ended.why });
    return ended.end;
  }

  private async untilEnd(isKnown: boolean, left?: Left): Promise<Ended> {
    const { door, limits } = this.ports;
    let hasSeen = isKnown;
    let isNew = true;
    for (;;) {
      const running = await door.running(this.agent);
      if (running !== undefined) {
        left?.onGone();
        await this.endOf(running);
        hasSeen = true;
      }
      const agent = await door.getAgent(this.agent, isNew ? limits().steps + 2 : 1);
      if (isNew) this.beginTurn(agent.turns, isKnown);
      isNew = false;
      const head = agent.turns.at(-1);
      if (this.isStopping || head?.finishReason === "aborted") return { end: "stopped" };
      if (head === undefined) return { end: "answered" };
      // Its error stands at the turn.
      if (head.state !== "done") return { end: "failed" };
      const ended =
        left !== undefined && !hasSeen
          ? await this.takeUp(agent, head, left)
          : await this.after(agent, head, hasSeen || this.options.beganHere?.(head.id) === true);
      if (ended !== undefined) return ended;
      hasSeen = true;
      isNew = this.isSuperseded;
    }
  }

  /** `isFresh`: what it did before does not count. */
  private beginTurn(turns: readonly TurnView[], isFresh: boolean): void {
    this.isSuperseded = false;
    this.unreadable = 0;
    this.asked = askedIn(turns);
    this.budget.begin(isFresh ? [] : turns);
  }

  /** What an answer asks for. `hasSeen`: it was made since the program was started. `undefined`: the next answer has begun. */
  private async after(agent: AgentDetail, head: TurnView, hasSeen: boolean): Promise<Ended | undefined> {
    const calls = waitingCalls(head);
    if (calls.length > 0) return this.act(agent, head, calls, !hasSeen);
    const dropped = head.dropped ?? wordedCall(head.answer, namesOf(agent));
    // Nobody is surprised by a message that is sent when a window opens.
    return dropped !== undefined && hasSeen ? this.teach(agent, head, dropped) : { end: "answered" };
  }

  /** Nothing is done but what the person decides about. */
  private async takeUp(agent: AgentDetail, head: TurnView, left: LeftQuestion): Promise<Ended | undefined> {
    const calls = waitingCalls(head);
    const isThere = calls.some(({ id }) => id === left.call);
    return isThere ? this.act(agent, head, calls, true, left) : { end: "elsewhere" };
  }

  /** Resolves with the error where it failed. */
  private async endOf(running: Running): Promise<unknown> {
    this.running = running;
    if (this.isStopping) running.abort();
    try {
      await running.done;
      return undefined;
    } catch (error) {
      return error;
    } finally {
      this.running = undefined;
    }
  }

  private async act(
    agent: AgentDetail,
    head: TurnView,
    calls: readonly ToolCall[],
    isResumed: boolean,
    left?: LeftQuestion,
  ): Promise<Ended | undefined> {
    const limit = this.budget.reached();
    if (limit !== undefined) return { end: "limit", why: limit };
    this.budget.step();
    this.unreadable = 0;
    const abort = new AbortController();
    const work = new AnswerCalls(
      this.ports,
      {
        ...{ agent: this.agent, turn: head.id, calls, isResumed, readsOnly: this.options.readsOnly === true },
        resultLength: shareOf(agent, calls.length),
        onError: (error) => this.options.onError?.(error),
      },
      () => this.show({ calls: work.live.all }),
    );
    this.calls = { work, abort };
    let results: readonly ToolResult[];
    try {
      const isAsked = left === undefined || (await work.askAgain(left, abort.signal));
      if (!isAsked && !this.isSuperseded) return { end: "stopped" };
      this.show({ calls: work.live.all });
      results = await work.run(abort.signal);
    } finally {
      this.calls = undefined;
      this.budget.wait(work.waitedMs);
    }
    if (this.isSuperseded) return undefined;
    if (this.isStopping) return this.endWith(work, results, { end: "stopped" });
    const repeated = this.budget.repeated(calls, (call) => work.outcomeOf(call));
    const circle = repeated.find(({ count }) => count >= mostRepeats);
    if (circle !== undefined) return this.lastWords(agent, circle.call, results);
    const again = new Set(repeated.map(({ call }) => call.id));
    const told = results.map((result) => (again.has(result.call) ? noted(result, repeatNote(this.asked)) : result));
    const note = head.dropped === undefined ? undefined : teaching(head.dropped, namesOf(agent));
    return this.send(agent, note === undefined ? told : withNote(told, note));
  }

  /** An agent that goes in circles says what it has found, and waits for the person. */
  private async lastWords(
    agent: AgentDetail,
    { name }: ToolCall,
    results: readonly ToolResult[],
  ): Promise<Ended | undefined> {
    const ended = await this.send(agent, withNote(results, lastWordsNote(this.asked)), "words");
    if (ended !== undefined || this.isSuperseded) return ended;
    if (this.isStopping) return { end: "stopped" };
    this.saidLast = (await this.ports.door.getAgent(this.agent, 1)).turns.at(-1)?.id;
    return { end: "repeats", why: `It called ${name} three times with the same result, so it waits for you.` };
  }

  /** `undefined`: the answer has begun, or the conversation went on without it. */
  private async send(
    agent: AgentDetail,
    results: readonly ToolResult[],
    toolMode: ToolMode = "auto",
  ): Promise<Ended | undefined> {
    let given = results;
    for (let attempt = 0; ; attempt++) {
      let running: Running;
      try {
        running = await this.begin(given, toolMode);
      } catch (error) {
        return this.refused(error);
      }
      const room = roomFor(await this.endOf(running));
      if (room === undefined) {
        await this.ports.journal.write(this.agent, []);
        return undefined;
      }
      if (attempt >= 2 || room < leastRoom) return { end: "full", why: fullText(agent) };
      given = shorter(given, room, attempt);
    }
  }

  private async begin(results: readonly ToolResult[], toolMode: ToolMode = "auto"): Promise<Running> {
    this.isSending = true;
    try {
      return await this.ports.door.sendResults(this.agent, { results, toolMode });
    } finally {
      this.isSending = false;
    }
  }

  /**
   * What was done is made a part of the conversation, without an answer: else a message of the person would tell the model that
   * none of it was run.
   */
  private async endWith(work: AnswerCalls, results: readonly ToolResult[], ended: Ended): Promise<Ended> {
    if (!work.hasEffects || this.isDisposed) return ended;
    try {
      const running = await this.begin(results);
      running.abort();
      await this.ports.journal.write(this.agent, []);
      await running.done.catch(() => {});
    } catch (error) {
      if (wentOn(error) === undefined) return { end: "failed", why: errorSentence(error) };
    }
    return ended;
  }

  /** A call that could not be read, and nothing else. */
  private async teach(
    agent: AgentDetail,
    { finishReason }: TurnView,
    dropped: DroppedCall,
  ): Promise<Ended | undefined> {
    this.unreadable += 1;
    const { contextTokens, tokens } = agent;
    if (finishReason === "length" && contextTokens > 0 && contextTokens - tokens < leastRoom) {
      return { end: "full", why: fullText(agent) };
    }
    if (this.unreadable >= mostUnreadable) {
      return { end: "unreadable", why: "Three of its calls in a row could not be read, so it waits for you." };
    }
    this.isSending = true;
    try {
      // It wanted to call something: held to the form from its first token on, it cannot fail in the same way again.
      const toolMode: ToolMode = dropped.reason === "cut" ? "auto" : "required";
      await this.ports.door.send(this.agent, { text: teaching(dropped, namesOf(agent)), toolMode });
      return undefined;
    } catch (error) {
      return this.refused(error);
    } finally {
      this.isSending = false;
    }
  }

  /** The core took nothing. Another message may have come in between: then its answer is followed. */
  private async refused(error: unknown): Promise<Ended | undefined> {
    const reason = wentOn(error);
    if (reason === "moved") return { end: "elsewhere" };
    const isAnswering = reason === "busy" && (await this.ports.door.running(this.agent)) !== undefined;
    if (!isAnswering) return { end: "failed", why: errorSentence(error) };
    this.isSuperseded = true;
    return undefined;
  }
}
