/** Messages between the room page, where several agents answer one prompt, and the host. */
import {
  contentCommands,
  type GuardTable,
  guardToHost,
  isAction,
  isFlag,
  isId,
  isText,
  listOf,
  optional,
} from "./guard";
import type {
  ActionId,
  ContentCommand,
  PageEngine,
  PageSettings,
  PageTurn,
  Problem,
  Reply,
  RunProgress,
  TextDelta,
  ToHost,
} from "./page";
import type { AgentId, AgentSummary, TurnId } from "./service";

export type RoomMessageId = string;

/** Whom a message asks: all members whose chips say so, or these. */
export type Addressees = "all" | readonly AgentId[];

export interface RoomMember {
  readonly agent: AgentSummary;
  /** A message to all goes to it. Never true while the agent is locked elsewhere. */
  readonly asked: boolean;
}

/** One agent's answer to one message. Exactly one of `turn` and `refusal`, or neither until the turn starts. */
export interface RoomAnswer {
  readonly agent: AgentId;
  /** As they were when asked: the agent may be gone. `index` chooses the colour. */
  readonly name: string;
  readonly index: number;
  readonly folded: boolean;
  readonly turn?: PageTurn;
  /** It was not asked: locked elsewhere, not found, busy. */
  readonly refusal?: Problem;
}

export interface RoomMessage {
  readonly id: RoomMessageId;
  readonly text: string;
  readonly to: Addressees;
  readonly askedAt: number;
  /** When the last answer ended. */
  readonly endedAt?: number;
  readonly answers: readonly RoomAnswer[];
}

export interface RoomSnapshot {
  readonly settings: PageSettings;
  readonly engine: PageEngine;
  readonly members: readonly RoomMember[];
  readonly messages: readonly RoomMessage[];
}

// ---- page → host -------------------------------------------------------------------------------------------------

export type RoomCommand =
  | { readonly type: "ask"; readonly text: string; readonly to: Addressees }
  /** What is written so far of a message, and whom it would ask: they may begin to read. */
  | { readonly type: "readAhead"; readonly text: string; readonly to: Addressees }
  | { readonly type: "stop"; readonly agent: AgentId }
  | { readonly type: "stopAll" }
  /** The chip of a member: whether messages to all go to it. */
  | { readonly type: "include"; readonly agent: AgentId; readonly asked: boolean }
  /** The host asks which agents are in the room. */
  | { readonly type: "chooseMembers" }
  | { readonly type: "fold"; readonly message: RoomMessageId; readonly agent: AgentId; readonly folded: boolean }
  | { readonly type: "fork"; readonly agent: AgentId; readonly turn: TurnId }
  | { readonly type: "openPanel"; readonly agent: AgentId }
  /** Forks an agent that could not be asked, puts the fork in the room and asks it the same. */
  | { readonly type: "askFork"; readonly message: RoomMessageId; readonly agent: AgentId }
  | { readonly type: "act"; readonly action: ActionId; readonly agent?: AgentId; readonly turn?: TurnId }
  | ContentCommand;

export type RoomToHost = ToHost<RoomCommand>;

const maxMembers = 256;

const isAddressees = (value: unknown): boolean => value === "all" || listOf(isId, maxMembers)(value);

const roomCommands: GuardTable<RoomCommand> = {
  ...contentCommands,
  ask: { text: isText, to: isAddressees },
  readAhead: { text: isText, to: isAddressees },
  stop: { agent: isId },
  stopAll: {},
  include: { agent: isId, asked: isFlag },
  chooseMembers: {},
  fold: { message: isId, agent: isId, folded: isFlag },
  fork: { agent: isId, turn: isId },
  openPanel: { agent: isId },
  askFork: { message: isId, agent: isId },
  act: { action: isAction, agent: optional(isId), turn: optional(isId) },
};

export const isRoomToHost: (value: unknown) => value is RoomToHost = guardToHost<RoomCommand>(roomCommands);

// ---- host → page -------------------------------------------------------------------------------------------------

export type RoomUpdate =
  | { readonly type: "snapshot"; readonly snapshot: RoomSnapshot }
  | { readonly type: "engine"; readonly engine: PageEngine }
  | { readonly type: "members"; readonly members: readonly RoomMember[] }
  /** A message was asked or changed as a whole: replaces the one of its id, else comes last. */
  | { readonly type: "message"; readonly message: RoomMessage }
  /** One answer began, ended or was refused. */
  | { readonly type: "answer"; readonly message: RoomMessageId; readonly answer: RoomAnswer }
  | {
      readonly type: "progress";
      readonly message: RoomMessageId;
      readonly agent: AgentId;
      readonly progress: RunProgress;
    }
  | { readonly type: "text"; readonly message: RoomMessageId; readonly agent: AgentId; readonly delta: TextDelta };

export type RoomToPage = RoomUpdate | Reply;
