/** Messages between the room page, where several agents answer one prompt, and the host. */
import type { EditorSelection } from "./chat";
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

/** Who is asked: all members whose chips are pressed, or these. */
export type Addressees = "all" | readonly AgentId[];

export interface RoomMember {
  readonly agent: AgentSummary;
  /** A message to all is for it: the person's choice. */
  readonly asked: boolean;
  /** Why it cannot be asked in this window (locked by another one, damaged): a message for it says so in its answer. */
  readonly unavailable?: Problem;
}

/** The model that an answer needs. */
export interface RoomModel {
  readonly directory: string;
  readonly name: string;
}

/** One agent's answer to one message. Exactly one of `turn` and `refusal`, or neither until the turn starts. */
export interface RoomAnswer {
  readonly agent: AgentId;
  /** As they were when the message was sent: the agent may be gone. `index` chooses the colour. */
  readonly name: string;
  readonly index: number;
  /** Absent in messages that were kept before it was known. */
  readonly model?: RoomModel;
  readonly folded: boolean;
  readonly turn?: PageTurn;
  /** Why it was not asked: locked elsewhere, damaged, not found, busy. */
  readonly refusal?: Problem;
  /** The name of the fork that was asked in its place. */
  readonly askedFork?: string;
}

export interface RoomMessage {
  readonly id: RoomMessageId;
  readonly text: string;
  readonly to: Addressees;
  readonly askedAt: number;
  /** When the last answer ended; absent also once an answer was made again, continued or added later. */
  readonly endedAt?: number;
  /** Those of one model stand together; those of the model that was loaded come first. */
  readonly answers: readonly RoomAnswer[];
}

export interface RoomSnapshot {
  readonly settings: PageSettings;
  readonly engine: PageEngine;
  readonly members: readonly RoomMember[];
  readonly messages: readonly RoomMessage[];
  /** What is selected in the text editor that had the focus last. */
  readonly selection?: EditorSelection;
}

// ---- page → host -------------------------------------------------------------------------------------------------

export type RoomCommand =
  | { readonly type: "ask"; readonly text: string; readonly to: Addressees }
  /** The draft of a message and those whom it would ask: they may begin to read it. Never fails. */
  | { readonly type: "readAhead"; readonly text: string; readonly to: Addressees }
  | { readonly type: "stop"; readonly agent: AgentId }
  | { readonly type: "stopAll" }
  /** The chip of a member: whether messages to all are for it. */
  | { readonly type: "include"; readonly agent: AgentId; readonly asked: boolean }
  /** The host lets the person choose which agents are in the room. */
  | { readonly type: "chooseMembers" }
  /** The host adds the selection of the last text editor to the message that is being written. */
  | { readonly type: "attachSelection" }
  | { readonly type: "fold"; readonly message: RoomMessageId; readonly agent: AgentId; readonly folded: boolean }
  | { readonly type: "regenerate"; readonly agent: AgentId; readonly turn: TurnId }
  /** Goes on with an answer that was cut. Fails where it is not the agent's last one any more. */
  | { readonly type: "continue"; readonly agent: AgentId; readonly turn: TurnId }
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
  attachSelection: {},
  fold: { message: isId, agent: isId, folded: isFlag },
  regenerate: { agent: isId, turn: isId },
  continue: { agent: isId, turn: isId },
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
  | { readonly type: "text"; readonly message: RoomMessageId; readonly agent: AgentId; readonly delta: TextDelta }
  /** What is selected in the editor now. */
  | { readonly type: "selection"; readonly selection?: EditorSelection }
  /** Text for the end of the message that is being written; the message takes the focus. */
  | { readonly type: "draft"; readonly text: string };

export type RoomToPage = RoomUpdate | Reply;
