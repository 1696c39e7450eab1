/** What an agent does in the workspace, as hosts and pages tell it. Plain data. */
import type { AgentId } from "./service";

/** What a call touches decides who must agree to it. "read": nothing changes. "other": a tool that is not Resident's. */
export const callKinds = ["read", "write", "run", "ask", "delegate", "other"] as const;
export type CallKind = (typeof callKinds)[number];

/** "waiting": for the person. "denied": the person refused it; the model is told. */
export type LiveCallState = "queued" | "waiting" | "running" | "done" | "failed" | "denied";

/** A line of a diff; "gap": lines that are left out, `text` says how many. */
export interface DiffLine {
  readonly kind: "same" | "added" | "removed" | "gap";
  readonly text: string;
}

/** A call of the answer at the head, from the moment it was made until its result is in the conversation. */
export interface LiveCall {
  /** The call's id. */
  readonly call: string;
  readonly kind: CallKind;
  readonly state: LiveCallState;
  /** What the person is asked, one line: "Edit src/a.ts (+3 −1)", "Run npm test". Present while it waits. */
  readonly question?: string;
  /** Ways to answer, the first is the primary one. Present while it waits. */
  readonly choices?: readonly ApprovalChoice[];
  /** What a write would change; shown in place. */
  readonly diff?: readonly DiffLine[];
  /** The end of what a command has printed so far, without terminal escapes; at most 4,000 characters. */
  readonly output?: string;
  /** The delegates that work on it: their transcripts can be opened. */
  readonly delegate?: AgentId;
  readonly ms?: number;
}

/** "allow": this once. "always": also the next ones of its kind, or commands with the same beginning. "answer": a text of the person. */
export const approvalWays = ["allow", "always", "deny", "answer", "openDiff"] as const;
export type ApprovalWay = (typeof approvalWays)[number];

export interface ApprovalChoice {
  readonly way: ApprovalWay;
  /** Title Case: "Run", "Always Run `npm test`", "Deny". */
  readonly label: string;
}

/** What an agent does at the moment. */
export interface ActingState {
  /** Of the answer at the head, in their order; empty: it does nothing. */
  readonly calls: readonly LiveCall[];
  /** Why it stopped by itself, one sentence: a limit, the same call three times. Absent: it did not. */
  readonly stopped?: string;
}
