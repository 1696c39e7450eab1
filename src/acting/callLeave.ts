/** Whether a call may be run: what is set allows it, or the person is asked. */
import type { ToolCall } from "../common/tools";
import type { CallKind } from "../protocol/acting";
import type { AgentId } from "../protocol/service";
import { resultTexts } from "../protocol/toolNames";
import type { AnswerJournal } from "./answerJournal";
import type { LiveCalls } from "./liveCalls";
import { type Permission, permissionFor } from "./permissions";
import type { Accepted, CallContext, CallOutcome, Decision, LoopPorts, PreparedCall, Question } from "./ports";
import { beginning } from "./results";
import { visible } from "./visible";

/** `refused`: the call is not run, and has this result. */
export type Leave = { readonly accepted: Accepted } | { readonly refused: CallOutcome };

/** A call that could be run, and who must agree to it. */
interface Judged {
  readonly prepared: PreparedCall;
  readonly permission: Permission;
}

export interface LeavePorts extends Pick<LoopPorts, "tools" | "approvals" | "permissions" | "clock"> {
  readonly agent: AgentId;
  readonly journal: AnswerJournal;
  readonly live: LiveCalls;
  readonly contextOf: (call: ToolCall, signal: AbortSignal) => CallContext;
  /** All calls are asked for: the program was started anew since they were made. */
  readonly isResumed: boolean;
  readonly onError: (error: unknown) => void;
}

/** Longer than any command that may be run. */
const longestQuestion = 10_000;

export class CallLeave {
  /** What the person agreed to before it was to be run. */
  private readonly agreed = new Map<string, Accepted>();
  private waits = 0;
  private waitingSince = 0;
  private waited = 0;

  constructor(private readonly ports: LeavePorts) {}

  /** For how long, in ms, the calls waited for the person. */
  get waitedMs(): number {
    return this.waits === 0 ? this.waited : this.waited + this.ports.clock.now() - this.waitingSince;
  }

  async of(call: ToolCall, signal: AbortSignal): Promise<Leave> {
    const accepted = this.agreed.get(call.id);
    return accepted === undefined ? this.decide(call, await this.judge(call, signal), signal) : { accepted };
  }

  /** Asks now, for `of` to give the decision later. False: the person has nothing to decide. */
  async askAhead(call: ToolCall, signal: AbortSignal): Promise<boolean> {
    const judged = await this.judge(call, signal);
    if (judged.prepared.refused !== undefined || judged.permission.kind !== "asked") return false;
    const leave = await this.decide(call, judged, signal);
    if ("accepted" in leave) this.agreed.set(call.id, leave.accepted);
    return true;
  }

  /** Rejects with ABORTED when `signal` is aborted. */
  async ask(question: Question, signal: AbortSignal): Promise<Decision> {
    const { approvals, clock, live } = this.ports;
    const { choices, diff, call } = question;
    const text = visible(question.question);
    live.set(call.id, { state: "waiting", question: text, choices, ...(diff && { diff }) });
    if (this.waits === 0) this.waitingSince = clock.now();
    this.waits += 1;
    try {
      return await approvals.ask({ ...question, question: text }, signal);
    } finally {
      this.waits -= 1;
      if (this.waits === 0) this.waited += clock.now() - this.waitingSince;
    }
  }

  private async judge(call: ToolCall, signal: AbortSignal): Promise<Judged> {
    const { tools, permissions, journal, isResumed, contextOf } = this.ports;
    const kind = tools.kindOf(call.name);
    const prepared = changesThings(kind) ? await tools.prepare(call, contextOf(call, signal), signal) : {};
    const again = isResumed || journal.of(call.id) !== undefined;
    return { prepared, permission: permissionFor({ kind, name: call.name, prepared, again }, permissions.settings()) };
  }

  private async decide(call: ToolCall, { prepared, permission }: Judged, signal: AbortSignal): Promise<Leave> {
    if (prepared.refused !== undefined) return { refused: prepared.refused };
    if (permission.kind === "refused") return { refused: { text: permission.text, failed: true } };
    if (permission.kind === "allowed") return { accepted: { prepared } };
    const decision = await this.askFor(call, prepared, permission, signal);
    const { way, text } = decision;
    if (way !== "deny" && way !== "answer") {
      return { accepted: { prepared, ...(text === undefined ? {} : { text }) } };
    }
    const refused = deniedOutcome(decision);
    await this.ports.journal.note({ call: call.id, result: refused });
    return { refused };
  }

  private async askFor(
    call: ToolCall,
    prepared: PreparedCall,
    { choices, rule }: Extract<Permission, { kind: "asked" }>,
    signal: AbortSignal,
  ): Promise<Decision> {
    const { agent, tools, permissions, journal, onError } = this.ports;
    const hasBegun = journal.of(call.id) !== undefined;
    const text = beginning(prepared.question ?? `Run ${call.name}`, longestQuestion);
    const note = hasBegun ? ". It was begun before the window was closed, and nobody knows whether it ended." : "";
    const decision = await this.ask(
      {
        agent,
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
    if (decision.way === "always" && rule !== undefined) await permissions.allow(rule).catch(onError);
    return decision;
  }
}

export function changesThings(kind: CallKind): boolean {
  return kind === "write" || kind === "run" || kind === "other";
}

function deniedOutcome({ text = "" }: Decision): CallOutcome {
  const why = text.trim();
  const rest =
    why === "" ? " Do not try it another way; ask what to do, or go on without it." : ` The person says: ${why}`;
  return { text: `${resultTexts.denied}${rest}`, failed: true };
}
