/** Messages between the room page, where several agents answer one prompt, and the host. */
import type { AttachmentView } from "../common/attachments";
import type { EditorSelection } from "./chat";
import {
  contentCommands,
  type GuardTable,
  guardToHost,
  isAction,
  isCount,
  isFlag,
  isId,
  isText,
  listOf,
  optional,
} from "./guard";
import type {
  ActionId,
  AttachmentChip,
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

/** The agents to ask: all members whose chips are pressed, or these. */
export type Addressees = "all" | readonly AgentId[];

export interface RoomMember {
  readonly agent: AgentSummary;
  /** Messages to all include it: the user's choice. */
  readonly asked: boolean;
  /** Why it cannot be asked in this window (locked by another one, damaged); its answer to a message says so. */
  readonly unavailable?: Problem;
}

/** The model that an answer needs. */
export interface RoomModel {
  readonly directory: string;
  readonly name: string;
}

/** One agent's answer to one message. Has either `turn` or `refusal`, or neither until the turn starts. */
export interface RoomAnswer {
  readonly agent: AgentId;
  /** The agent's values when the message was sent: it may be deleted since. `index` chooses the colour. */
  readonly name: string;
  readonly index: number;
  /** Absent in messages that an older version saved. */
  readonly model?: RoomModel;
  readonly folded: boolean;
  readonly turn?: PageTurn;
  /** The steps of the same turn before `turn`; absent: none. */
  readonly earlier?: readonly PageTurn[];
  /** Why the agent was not asked: locked elsewhere, damaged, not found, busy. */
  readonly refusal?: Problem;
  /** The name of the fork that was asked instead. */
  readonly askedFork?: string;
}

export interface RoomMessage {
  readonly id: RoomMessageId;
  readonly text: string;
  /** What it carried to all that were asked; absent: nothing. */
  readonly attachments?: readonly AttachmentView[];
  readonly to: Addressees;
  readonly askedAt: number;
  /** Time at which the last answer ended; also absent after an answer was regenerated, continued or added later. */
  readonly endedAt?: number;
  /** Grouped by model; the model that was loaded comes first. */
  readonly answers: readonly RoomAnswer[];
}

export interface RoomSnapshot {
  readonly settings: PageSettings;
  readonly engine: PageEngine;
  readonly members: readonly RoomMember[];
  readonly messages: readonly RoomMessage[];
  /** The selection in the text editor that had the focus last. */
  readonly selection?: EditorSelection;
  /** What the message that is being written carries; absent: nothing. */
  readonly attachments?: readonly AttachmentChip[];
}

// ---- page → host -------------------------------------------------------------------------------------------------

export type RoomCommand =
  | { readonly type: "ask"; readonly text: string; readonly to: Addressees }
  /** The draft of a message and the agents that it would ask: they may begin to read it. Never fails. */
  | { readonly type: "readAhead"; readonly text: string; readonly to: Addressees }
  | { readonly type: "stop"; readonly agent: AgentId }
  | { readonly type: "stopAll" }
  /** A member's chip: whether messages to all include it. */
  | { readonly type: "include"; readonly agent: AgentId; readonly asked: boolean }
  /** The host lets the user choose which agents are in the room. */
  | { readonly type: "chooseMembers" }
  /** The selection of the last text editor goes with the message. */
  | { readonly type: "attachSelection" }
  /** Of the draft, or of a message that was sent. */
  | { readonly type: "openAttachment"; readonly message?: RoomMessageId; readonly index: number }
  | { readonly type: "detach"; readonly index: number }
  | { readonly type: "fold"; readonly message: RoomMessageId; readonly agent: AgentId; readonly folded: boolean }
  | { readonly type: "regenerate"; readonly agent: AgentId; readonly turn: TurnId }
  /** Continues an answer that was cut. Fails when it is no longer the agent's last answer. */
  | { readonly type: "continue"; readonly agent: AgentId; readonly turn: TurnId }
  | { readonly type: "fork"; readonly agent: AgentId; readonly turn: TurnId }
  | { readonly type: "openPanel"; readonly agent: AgentId }
  /** Forks an agent that could not be asked, adds the fork to the room and asks it the same. */
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
  openAttachment: { message: optional(isId), index: isCount },
  detach: { index: isCount },
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
  /** A message was sent or changed as a whole: replaces the message with its id, else is appended. */
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
  /** The current selection in the editor. */
  | { readonly type: "selection"; readonly selection?: EditorSelection }
  /** What the message that is being written carries now. */
  | { readonly type: "attachments"; readonly attachments: readonly AttachmentChip[] };

export type RoomToPage = RoomUpdate | Reply;
