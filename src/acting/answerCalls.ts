/**
 * Runs the calls of one answer: reads and delegates that stand together at once, everything else one after the other in the order in which the
 * model made them, so that a look behind a change sees the change. Each call gets a result, whatever becomes of it.
 */
import { toErrorInfo } from "../common/errors";
import type { ToolCall, ToolResult } from "../common/tools";
import type { CallKind, LiveCallState } from "../protocol/acting";
import type { AgentId, TurnId } from "../protocol/service";
import { resultTexts } from "../protocol/toolNames";
import { LiveCalls } from "./liveCalls";
import { orAborted } from "./orAborted";
import { type Permission, permissionFor } from "./permissions";
import type {
  Accepted,
  CallContext,
  CallOutcome,
  Decision,
  JournalEntry,
  LeftQuestion,
  LoopPorts,
  PreparedCall,
  Question,
} from "./ports";
import { beginning, cutText } from "./results";
import { visible } from "./visible";

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

/** A call that could be run, and who must agree to it. */
interface Judged {
  readonly prepared: PreparedCall;
  readonly permission: Permission;
}

/** `refused`: the call is not run, and has this result. */
type Leave = { readonly accepted: Accepted } | { readonly refused: CallOutcome };

/** Longer than any command that may be run. */
const longestQuestion = 10_000;

/** Why calls are aborted: the program ends. How far they came is not known then, whatever they say. */
export const programEnds = "the program ends";

export class AnswerCalls {
  readonly live: LiveCalls;
  private readonly outcomes = new Map<string, CallOutcome>();
  /** When each call began to run, after the person agreed. */
  private readonly ranAt = new Map<string, number>();
  private journal: readonly JournalEntry[] = [];
  private journaling: Promise<void> = Promise.resolve();
  /** What the person agreed to before anything was run. */
  private readonly agreed = new Map<string, Accepted>();
  /** How many results the engine was given to read. */
  private readTo = 0;
  private waits = 0;
  private waitingSince = 0;
  private waited = 0;

  constructor(
    private readonly ports: CallsPorts,
    private readonly answer: CallsOfAnswer,
    onChange: () => void,
  ) {
    this.live = new LiveCalls(answer.calls, ports.tools, onChange);
  }

  /** For how long, in ms, the calls waited for the person. */
  get waitedMs(): number {
    return this.waits === 0 ? this.waited : this.waited + this.ports.clock.now() - this.waitingSince;
  }

  /** A call ran that may have changed something, or the person answered: the conversation must have these results. */
  get hasEffects(): boolean {
    return this.journal.some(({ delegate }) => delegate === undefined);
  }

  /**
   * Before `run`: asks for a call again that waited for the person when the program ended, while nothing else is done. Resolves
   * with true when the person has decided, or `signal` is aborted; `run` does what was decided. False: nobody was asked, because
   * the call is refused now, or because it or another one had begun: nobody expects that such a call is taken up by itself.
   */
  async askAgain({ call: id, hasBegun = false }: LeftQuestion, signal: AbortSignal): Promise<boolean> {
    const call = this.answer.calls.find((one) => one.id === id);
    await this.readJournal();
    const begun = this.journal.find(({ result, delegate }) => result === undefined && delegate === undefined);
    if (call === undefined || (begun !== undefined && !(hasBegun && begun.call === id))) return false;
    for (const { call: ended, result } of this.journal) if (result) this.live.set(ended, { state: stateOf(result) });
    if (this.ports.tools.kindOf(call.name) === "ask") {
      await this.end(call, signal);
      return true;
    }
    try {
      return await orAborted(this.agree(call, signal), signal, this.ports.clock);
    } catch (error) {
      if (!signal.aborted) throw error;
      return true;
    }
  }

  private async agree(call: ToolCall, signal: AbortSignal): Promise<boolean> {
    const judged = await this.judge(call, signal);
    if (judged.prepared.refused !== undefined || judged.permission.kind !== "asked") return false;
    const leave = await this.leaveFor(call, judged, signal);
    if ("accepted" in leave) this.agreed.set(call.id, leave.accepted);
    return true;
  }

  /** A result for each call, in their order. When `signal` is aborted, those that did not end say so. */
  async run(signal: AbortSignal): Promise<readonly ToolResult[]> {
    await this.readJournal();
    for (const group of this.groups()) {
      await Promise.all(group.map((call) => this.end(call, signal)));
    }
    return this.results();
  }

  private async readJournal(): Promise<void> {
    const known = new Set(this.answer.calls.map(({ id }) => id));
    this.journal = (await this.ports.journal.read(this.answer.agent)).filter(({ call }) => known.has(call));
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
    const entry = this.journal.find((one) => one.call === call.id);
    if (entry?.result !== undefined) return entry.result;
    if (signal.aborted) return { text: resultTexts.stopped, failed: true };
    const kind = tools.kindOf(call.name);
    if (this.answer.readsOnly && kind !== "read") {
      return {
        text: `A delegate may not use ${call.name}: it only reads and searches. Answer with what you found.`,
        failed: true,
      };
    }
    const leave = await this.leave(call, signal);
    if ("refused" in leave) return leave.refused;
    const { accepted } = leave;
    const { diff } = accepted.prepared;
    const context = this.contextOf(call, signal);
    const changes = changesThings(kind);
    this.ranAt.set(call.id, this.ports.clock.now());
    this.live.set(call.id, { state: "running", ...(diff && { diff }) });
    // An answer of the person is kept too: nobody likes to be asked twice.
    if (!changes && kind !== "ask") return tools.run(call, context, signal, accepted);
    if (changes) await this.note({ call: call.id });
    const outcome = await tools.run(call, context, signal, accepted);
    const isKnown = signal.reason !== programEnds && (changes || !signal.aborted);
    if (isKnown) await this.note({ call: call.id, result: outcome });
    return outcome;
  }

  private async leave(call: ToolCall, signal: AbortSignal): Promise<Leave> {
    const accepted = this.agreed.get(call.id);
    return accepted === undefined ? this.leaveFor(call, await this.judge(call, signal), signal) : { accepted };
  }

  private async judge(call: ToolCall, signal: AbortSignal): Promise<Judged> {
    const { tools, permissions } = this.ports;
    const kind = tools.kindOf(call.name);
    const prepared = changesThings(kind) ? await tools.prepare(call, this.contextOf(call, signal), signal) : {};
    const again = this.answer.isResumed || this.hasBegun(call);
    return { prepared, permission: permissionFor({ kind, name: call.name, prepared, again }, permissions.settings()) };
  }

  private async leaveFor(call: ToolCall, { prepared, permission }: Judged, signal: AbortSignal): Promise<Leave> {
    if (prepared.refused !== undefined) return { refused: prepared.refused };
    if (permission.kind === "refused") return { refused: { text: permission.text, failed: true } };
    if (permission.kind === "allowed") return { accepted: { prepared } };
    const decision = await this.askLeave(call, prepared, permission, signal);
    const { way, text } = decision;
    if (way !== "deny" && way !== "answer") {
      return { accepted: { prepared, ...(text === undefined ? {} : { text }) } };
    }
    const refused = deniedOutcome(decision);
    await this.note({ call: call.id, result: refused });
    return { refused };
  }

  private hasBegun({ id }: ToolCall): boolean {
    return this.journal.some(({ call }) => call === id);
  }

  private async askLeave(
    call: ToolCall,
    prepared: PreparedCall,
    { choices, rule }: Extract<Permission, { kind: "asked" }>,
    signal: AbortSignal,
  ): Promise<Decision> {
    const { tools, permissions } = this.ports;
    const hasBegun = this.hasBegun(call);
    const text = beginning(prepared.question ?? `Run ${call.name}`, longestQuestion);
    const note = hasBegun ? ". It was begun before the window was closed, and nobody knows whether it ended." : "";
    const decision = await this.ask(
      {
        agent: this.answer.agent,
        call,
        kind: tools.kindOf(call.name),
        question: `${text}${note}`,
        choices,
        ...(prepared.diff && { diff: prepared.diff }),
        ...(prepared.change && { change: prepared.change }),
        ...(rule?.kind === "run" ? { prefix: rule.prefix } : {}),
        ...(hasBegun ? { hasBegun } : {}),
      },
      signal,
    );
    // Where that cannot be kept, it is asked again the next time.
    if (decision.way === "always" && rule !== undefined) await permissions.allow(rule).catch(this.answer.onError);
    return decision;
  }

  private async ask(question: Question, signal: AbortSignal): Promise<Decision> {
    const { choices, diff, call } = question;
    const text = visible(question.question);
    this.live.set(call.id, { state: "waiting", question: text, choices, ...(diff && { diff }) });
    if (this.waits === 0) this.waitingSince = this.ports.clock.now();
    this.waits += 1;
    try {
      return await this.ports.approvals.ask({ ...question, question: text }, signal);
    } finally {
      this.waits -= 1;
      if (this.waits === 0) this.waited += this.ports.clock.now() - this.waitingSince;
    }
  }

  private contextOf(call: ToolCall, signal: AbortSignal): CallContext {
    const { agent, turn, resultLength } = this.answer;
    const delegate = this.journal.find((one) => one.call === call.id)?.delegate;
    return {
      agent,
      turn,
      resultLength,
      onOutput: (end) => this.live.output(call.id, end),
      ask: (question) => this.ask(question, signal),
      ...(delegate === undefined ? {} : { delegate }),
      onDelegate: (id) => {
        this.live.set(call.id, { delegate: id });
        return this.note({ call: call.id, delegate: id });
      },
    };
  }

  /** One after the other: each write replaces all entries. */
  private note(entry: JournalEntry): Promise<void> {
    this.journal = [...this.journal.filter(({ call }) => call !== entry.call), entry];
    const entries = this.journal;
    this.journaling = this.journaling.catch(() => {}).then(() => this.ports.journal.write(this.answer.agent, entries));
    return this.journaling;
  }
}

function changesThings(kind: CallKind): boolean {
  return kind === "write" || kind === "run" || kind === "other";
}

function stateOf({ text, failed }: CallOutcome): LiveCallState {
  if (failed !== true) return "done";
  return text.startsWith(resultTexts.denied) ? "denied" : "failed";
}

function deniedOutcome({ text = "" }: Decision): CallOutcome {
  const why = text.trim();
  const rest =
    why === "" ? " Do not try it another way; ask what to do, or go on without it." : ` The person says: ${why}`;
  return { text: `${resultTexts.denied}${rest}`, failed: true };
}

function failure(error: unknown): CallOutcome {
  const { what, advice, code } = toErrorInfo(error);
  const next = code === "INTERNAL" ? "Try another way." : `What could be done: ${advice}.`;
  return { text: `It failed: ${what}. ${next}`, failed: true };
}
