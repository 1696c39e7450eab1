/**
 * Runs the calls of one answer: reads and delegates that stand together at once, everything else one after the other in the order in which the
 * model made them, so that a look behind a change sees the change. Each call gets a result, whatever becomes of it.
 */
import { toErrorInfo } from "../common/errors";
import type { ToolCall, ToolResult } from "../common/tools";
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

  /** A result for each call, in their order. When `signal` is aborted, those that did not end say so. */
  async run(signal: AbortSignal): Promise<readonly ToolResult[]> {
    const known = new Set(this.answer.calls.map(({ id }) => id));
    this.journal = (await this.ports.journal.read(this.answer.agent)).filter(({ call }) => known.has(call));
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
    let outcome: CallOutcome;
    let wasDenied = false;
    try {
      const done = await orAborted(this.one(call, signal), signal, this.ports.clock);
      outcome = done.outcome;
      wasDenied = done.wasDenied;
    } catch (error) {
      outcome = signal.aborted ? { text: resultTexts.stopped, failed: true } : failure(error);
    }
    const limit =
      this.ports.tools.kindOf(call.name) === "ask" ? Number.POSITIVE_INFINITY : 2 * this.answer.resultLength;
    const { text, failed } = outcome;
    this.outcomes.set(call.id, { text: cutText(text, limit), ...(failed === true ? { failed } : {}) });
    const state = wasDenied ? "denied" : failed === true ? "failed" : "done";
    const ranAt = this.ranAt.get(call.id);
    this.readAhead();
    this.live.set(call.id, { state, ...(ranAt === undefined ? {} : { ms: this.ports.clock.now() - ranAt }) });
  }

  private async one(
    call: ToolCall,
    signal: AbortSignal,
  ): Promise<{ readonly outcome: CallOutcome; readonly wasDenied: boolean }> {
    const { tools, permissions } = this.ports;
    const done = (outcome: CallOutcome, wasDenied = false) => ({ outcome, wasDenied });
    const entry = this.journal.find((one) => one.call === call.id);
    if (entry?.result !== undefined) return done(entry.result);
    if (signal.aborted) return done({ text: resultTexts.stopped, failed: true });
    const kind = tools.kindOf(call.name);
    if (this.answer.readsOnly && kind !== "read") {
      return done({
        text: `A delegate may not use ${call.name}: it only reads and searches. Answer with what you found.`,
        failed: true,
      });
    }
    const context = this.contextOf(call, signal);
    const changes = kind === "write" || kind === "run" || kind === "other";
    const prepared = changes ? await tools.prepare(call, context, signal) : {};
    if (prepared.refused !== undefined) return done(prepared.refused);
    const again = this.answer.isResumed || entry !== undefined;
    const permission = permissionFor({ kind, name: call.name, prepared, again }, permissions.settings());
    if (permission.kind === "refused") return done({ text: permission.text, failed: true });
    let accepted: Accepted = { prepared };
    if (permission.kind === "asked") {
      const decision = await this.askLeave(call, prepared, permission, entry !== undefined, signal);
      if (decision.way === "deny" || decision.way === "answer") return done(deniedOutcome(decision), true);
      if (decision.text !== undefined) accepted = { prepared, text: decision.text };
    }
    this.ranAt.set(call.id, this.ports.clock.now());
    this.live.set(call.id, { state: "running", ...(prepared.diff && { diff: prepared.diff }) });
    // An answer of the person is kept too: nobody likes to be asked twice.
    if (!changes && kind !== "ask") return done(await tools.run(call, context, signal, accepted));
    if (changes) await this.note({ call: call.id });
    const outcome = await tools.run(call, context, signal, accepted);
    const isKnown = signal.reason !== programEnds && (changes || !signal.aborted);
    if (isKnown) await this.note({ call: call.id, result: outcome });
    return done(outcome);
  }

  private async askLeave(
    call: ToolCall,
    prepared: PreparedCall,
    { choices, rule }: Extract<Permission, { kind: "asked" }>,
    hasBegun: boolean,
    signal: AbortSignal,
  ): Promise<Decision> {
    const { tools, permissions } = this.ports;
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
