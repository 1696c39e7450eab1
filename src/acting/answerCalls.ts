/**
 * Runs the calls of one answer: reads and delegates that stand together at once, everything else one after the other in the order in which the
 * model made them, so that a look behind a change sees the change. Each call gets a result, whatever becomes of it.
 */
import { toErrorInfo } from "../common/errors";
import type { ToolCall, ToolResult } from "../common/tools";
import type { LiveCallState } from "../protocol/acting";
import type { AgentId, TurnId } from "../protocol/service";
import { resultTexts } from "../protocol/toolNames";
import { AnswerJournal } from "./answerJournal";
import { CallLeave, changesThings } from "./callLeave";
import { LiveCalls } from "./liveCalls";
import { orAborted } from "./orAborted";
import type { CallContext, CallOutcome, LeftQuestion, LoopPorts } from "./ports";
import { cutText } from "./results";

export interface CallsOfAnswer {
  readonly agent: AgentId;
  readonly turn: TurnId;
  readonly calls: readonly ToolCall[];
  /** UTF-16 units that each result may have. */
  readonly resultLength: number;
  /** Nobody saw how far they came: the program was started anew since. */
  readonly isResumed: boolean;
  /** A delegate may only look. */
  readonly readsOnly: boolean;
  /** Called with failures that are not a call's own. */
  readonly onError: (error: unknown) => void;
}

export type CallsPorts = Pick<LoopPorts, "door" | "tools" | "approvals" | "permissions" | "journal" | "clock">;

/** Why calls are aborted: the program ends. How far they came is not known then, whatever they say. */
export const programEnds = "the program ends";

export class AnswerCalls {
  readonly live: LiveCalls;
  private readonly journal: AnswerJournal;
  private readonly leave: CallLeave;
  private readonly outcomes = new Map<string, CallOutcome>();
  /** When each call began to run, after the person agreed. */
  private readonly ranAt = new Map<string, number>();
  /** How many results the engine was given to read. */
  private readTo = 0;

  constructor(
    private readonly ports: CallsPorts,
    private readonly answer: CallsOfAnswer,
    onChange: () => void,
  ) {
    const { agent, calls, isResumed, onError } = answer;
    this.live = new LiveCalls(calls, ports.tools, onChange);
    this.journal = new AnswerJournal(ports.journal, agent, calls);
    const contextOf = (call: ToolCall, signal: AbortSignal) => this.contextOf(call, signal);
    this.leave = new CallLeave({
      ...ports,
      journal: this.journal,
      live: this.live,
      contextOf,
      agent,
      isResumed,
      onError,
    });
  }

  /** For how long, in ms, the calls waited for the person. */
  get waitedMs(): number {
    return this.leave.waitedMs;
  }

  /** The conversation must have these results. */
  get hasEffects(): boolean {
    return this.journal.hasEffects;
  }

  /**
   * Before `run`: asks for a call again that waited for the person when the program ended, while nothing else is done. Resolves
   * with true when the person has decided, or `signal` is aborted; `run` does what was decided. False: nobody was asked, because
   * the call is decided or refused, or because it or another one had begun: nobody expects that such a call is taken up by itself.
   */
  async askAgain({ call: id, hasBegun = false }: LeftQuestion, signal: AbortSignal): Promise<boolean> {
    const call = this.answer.calls.find((one) => one.id === id);
    await this.journal.read();
    const { begun, ended } = this.journal;
    const isDecided = ended.some((one) => one.call === id);
    if (call === undefined || isDecided || (begun !== undefined && !(hasBegun && begun === id))) return false;
    for (const one of ended) this.live.set(one.call, { state: stateOf(one.result) });
    if (this.ports.tools.kindOf(call.name) === "ask") {
      await this.end(call, signal);
      return true;
    }
    try {
      return await orAborted(this.leave.askAhead(call, signal), signal, this.ports.clock);
    } catch (error) {
      if (!signal.aborted) throw error;
      return true;
    }
  }

  /** A result for each call, in their order. When `signal` is aborted, those that did not end say so. */
  async run(signal: AbortSignal): Promise<readonly ToolResult[]> {
    await this.journal.read();
    for (const group of this.groups()) {
      await Promise.all(group.map((call) => this.end(call, signal)));
    }
    return this.results();
  }

  /** Those of the calls that have one, in their order. */
  results(): readonly ToolResult[] {
    return this.answer.calls.flatMap(({ id }) => {
      const outcome = this.outcomes.get(id);
      return outcome === undefined ? [] : [{ call: id, ...outcome }];
    });
  }

  outcomeOf(call: string): CallOutcome | undefined {
    return this.outcomes.get(call);
  }

  private groups(): readonly (readonly ToolCall[])[] {
    const groups: ToolCall[][] = [];
    let isOpen = false;
    for (const call of this.answer.calls) {
      const kind = this.ports.tools.kindOf(call.name);
      const isLook = kind === "read" || kind === "delegate";
      if (isLook && isOpen) groups.at(-1)?.push(call);
      else groups.push([call]);
      isOpen = isLook;
    }
    return groups;
  }

  /**
   * While the person looks at a change, a command runs or a delegate works, the engine reads what is certain already: the results
   * up to the first call that has none.
   */
  private readAhead(): void {
    const { calls, agent } = this.answer;
    const open = calls.filter(({ id }) => !this.outcomes.has(id));
    const end = calls.findIndex(({ id }) => !this.outcomes.has(id));
    const isSlow = open.some(({ name }) => this.ports.tools.kindOf(name) !== "read");
    if (!isSlow || end <= this.readTo) return;
    this.readTo = end;
    // Only a help: what goes wrong is told when the results are sent.
    this.ports.door.readAheadResults(agent, this.results().slice(0, end)).catch(() => {});
  }

  private async end(call: ToolCall, signal: AbortSignal): Promise<void> {
    if (this.outcomes.has(call.id)) return;
    let outcome: CallOutcome;
    try {
      outcome = await orAborted(this.one(call, signal), signal, this.ports.clock);
    } catch (error) {
      outcome = signal.aborted ? { text: resultTexts.stopped, failed: true } : failure(error);
    }
    const limit =
      this.ports.tools.kindOf(call.name) === "ask" ? Number.POSITIVE_INFINITY : 2 * this.answer.resultLength;
    const { text, failed } = outcome;
    this.outcomes.set(call.id, { text: cutText(text, limit), ...(failed === true ? { failed } : {}) });
    const ranAt = this.ranAt.get(call.id);
    this.readAhead();
    this.live.set(call.id, {
      state: stateOf(outcome),
      ...(ranAt === undefined ? {} : { ms: this.ports.clock.now() - ranAt }),
    });
  }

  private async one(call: ToolCall, signal: AbortSignal): Promise<CallOutcome> {
    const { tools } = this.ports;
    const known = this.journal.of(call.id)?.result;
    if (known !== undefined) return known;
    if (signal.aborted) return { text: resultTexts.stopped, failed: true };
    const kind = tools.kindOf(call.name);
    if (this.answer.readsOnly && kind !== "read") {
      return {
        text: `A delegate may not use ${call.name}: it only reads and searches. Answer with what you found.`,
        failed: true,
      };
    }
    const leave = await this.leave.of(call, signal);
    if ("refused" in leave) return leave.refused;
    const { accepted } = leave;
    const { diff } = accepted.prepared;
    const context = this.contextOf(call, signal);
    const changes = changesThings(kind);
    this.ranAt.set(call.id, this.ports.clock.now());
    this.live.set(call.id, { state: "running", ...(diff && { diff }) });
    // An answer of the person is kept too: nobody likes to be asked twice.
    if (!changes && kind !== "ask") return tools.run(call, context, signal, accepted);
    if (changes) await this.journal.note({ call: call.id });
    const outcome = await tools.run(call, context, signal, accepted);
    const isKnown = signal.reason !== programEnds && (changes || !signal.aborted);
    if (isKnown) await this.journal.note({ call: call.id, result: outcome });
    return outcome;
  }

  private contextOf(call: ToolCall, signal: AbortSignal): CallContext {
    const { agent, turn, resultLength } = this.answer;
    const delegate = this.journal.of(call.id)?.delegate;
    return {
      agent,
      turn,
      resultLength,
      onOutput: (end) => this.live.output(call.id, end),
      ask: (question) => this.leave.ask(question, signal),
      ...(delegate === undefined ? {} : { delegate }),
      onDelegate: (id) => {
        this.live.set(call.id, { delegate: id });
        return this.journal.note({ call: call.id, delegate: id });
      },
    };
  }
}

function stateOf({ text, failed }: CallOutcome): LiveCallState {
  if (failed !== true) return "done";
  return text.startsWith(resultTexts.denied) ? "denied" : "failed";
}

function failure(error: unknown): CallOutcome {
  const { what, advice, code } = toErrorInfo(error);
  const next = code === "INTERNAL" ? "Try another way." : `What could be done: ${advice}.`;
  return { text: `It failed: ${what}. ${next}`, failed: true };
}
