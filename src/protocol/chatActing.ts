/** Messages between a chat's page and the host about what the agent does in the workspace. */
import { type ActingState, type ApprovalWay, approvalWays } from "./acting";
import { type GuardTable, isCallId, isCount, isId, isOneOf, isText, optional } from "./guard";
import type { PageTurn, RunProgress, TextDelta } from "./page";
import type { AgentId, TurnId } from "./service";

/** One of several answers to the same message. */
export interface Way {
  /** The fork that answers; absent: the agent itself does. */
  readonly agent?: AgentId;
  /** Its last step. */
  readonly turn: PageTurn;
  /** The steps of the same turn before it; absent: none. */
  readonly earlier?: readonly PageTurn[];
}

/** Several answers side by side, until one of them is chosen. */
export interface WaysState {
  readonly ways: readonly Way[];
  /** All have ended, and one can be chosen. */
  readonly isOpen: boolean;
}

export type ActingCommand =
  /** What the person says to a call that waits; `text`: the answer to the agent's question. */
  | { readonly type: "decide"; readonly call: string; readonly way: ApprovalWay; readonly text?: string }
  /** Shows what a call changes, or has changed, in VS Code's diff editor. */
  | { readonly type: "openDiff"; readonly call: string }
  /** Goes on where the agent stopped by itself, or where a reload of the window interrupted it. */
  | { readonly type: "goOn" }
  /** Shows the transcript of a delegate. */
  | { readonly type: "openAgent"; readonly agent: AgentId }
  /** Answers the message of `turn` in `count` ways at once. */
  | { readonly type: "ways"; readonly turn: TurnId; readonly count: number }
  /** Keeps this one of the ways, counted from 0, as the conversation; the others stay as branches. */
  | { readonly type: "chooseWay"; readonly way: number }
  /** Begins a branch with a summary of the conversation and its last turns. */
  | { readonly type: "compact" }
  /** The host asks which tools the agent shall have. */
  | { readonly type: "tools" }
  /** Puts back the files as they were before `turn` changed them. */
  | { readonly type: "restoreFiles"; readonly turn: TurnId };

export const mostWays = 4;

export const actingCommands: GuardTable<ActingCommand> = {
  decide: { call: isCallId, way: isOneOf(approvalWays), text: optional(isText) },
  openDiff: { call: isCallId },
  goOn: {},
  openAgent: { agent: isId },
  ways: { turn: isId, count: (value) => isCount(value) && Number(value) >= 2 && Number(value) <= mostWays },
  chooseWay: { way: (value) => isCount(value) && Number(value) < mostWays },
  compact: {},
  tools: {},
  restoreFiles: { turn: isId },
};

export type ActingUpdate =
  | { readonly type: "acting"; readonly state: ActingState }
  /** Absent: one was chosen, or none is there any more. */
  | { readonly type: "ways"; readonly ways?: WaysState }
  /** The way's answer goes on: as `progress` and `text` of a turn. */
  | { readonly type: "wayProgress"; readonly way: number; readonly progress: RunProgress }
  | { readonly type: "wayText"; readonly way: number; readonly delta: TextDelta };

/** What a snapshot says of acting. A host without a part offers nothing of it. */
export interface ActingSnapshot {
  /** Present: the agent can act in the workspace. */
  readonly acting?: ActingState;
  readonly ways?: WaysState;
}
