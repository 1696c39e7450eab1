/** Messages between the chat page of one agent and the host. */
import {
  contentCommands,
  type GuardTable,
  guardToHost,
  isAction,
  isCount,
  isFlag,
  isId,
  isText,
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
import type { AgentDetail, AgentSummary, DraftSize, TurnId } from "./service";

export type StartId = Extract<ActionId, "startFromSelection" | "forkAnother" | "editInstructions" | "chooseModel">;

/** A message that is not sent yet. `instead`: it is to take the place of this turn's message. */
export interface MessageDraft {
  readonly text: string;
  readonly instead?: TurnId;
}

/** What is selected in the text editor that had the focus last. */
export interface EditorSelection {
  /** Short: "recover.ts:88–141". */
  readonly label: string;
  /** With the path in the workspace: "src/recover.ts:88–141". */
  readonly title: string;
  readonly lines: number;
}

/** The branch at the head, oldest turn first, and the tree of all turns where there are other branches. */
export interface ChatBranch {
  readonly turns: readonly PageTurn[];
  readonly branches: AgentDetail["branches"];
}

export interface ChatSnapshot extends ChatBranch {
  readonly settings: PageSettings;
  readonly agent: AgentSummary;
  /** The agent's instructions, empty when it has none. */
  readonly system: string;
  readonly engine: PageEngine;
  /** What the empty page of a new agent offers beside the selection, in this order. */
  readonly starts: readonly Exclude<StartId, "startFromSelection">[];
  readonly selection?: EditorSelection;
  /** What was written before the panel was closed; a page that has a draft of its own leaves it alone. */
  readonly draft?: MessageDraft;
  /** Why this agent can be read but not continued here (locked by another window, damaged), with its buttons. */
  readonly readOnly?: Problem;
}

// ---- page → host -------------------------------------------------------------------------------------------------

/** The user's choices that need more than the page has (a name, which turn) are asked by the host in its own UI. */
export type ChatCommand =
  /** With `instead` on a new branch, from the turn before that one. */
  | { readonly type: "send"; readonly text: string; readonly instead?: TurnId }
  /**
   * The message that is being written has rested: what stands there may be read ahead, and is measured. Never fails. The
   * answer is a `draftSize` with the same `serial`, unless a later one overtakes it.
   */
  | { readonly type: "readAhead"; readonly draft: string; readonly instead?: TurnId; readonly serial: number }
  | { readonly type: "stop" }
  /** The head's answer was cut: it goes on. */
  | { readonly type: "continue" }
  /** Whether the agent leaves memory after all others. */
  | { readonly type: "pin"; readonly pinned: boolean }
  | { readonly type: "regenerate"; readonly turn: TurnId }
  /** Everything up to and including `turn` (absent: the head) in a new agent. */
  | { readonly type: "fork"; readonly turn?: TurnId }
  /** `turn` becomes the head; absent: the host asks which one. */
  | { readonly type: "rewind"; readonly turn?: TurnId }
  | { readonly type: "switchBranch"; readonly turn: TurnId }
  /** A button that the host offered; `turn` when it stands in one. */
  | { readonly type: "act"; readonly action: ActionId; readonly turn?: TurnId }
  | ContentCommand;

export type ChatToHost = ToHost<ChatCommand>;

const chatCommands: GuardTable<ChatCommand> = {
  ...contentCommands,
  send: { text: isText, instead: optional(isId) },
  readAhead: { draft: isText, instead: optional(isId), serial: isCount },
  stop: {},
  continue: {},
  pin: { pinned: isFlag },
  regenerate: { turn: isId },
  fork: { turn: optional(isId) },
  rewind: { turn: optional(isId) },
  switchBranch: { turn: isId },
  act: { action: isAction, turn: optional(isId) },
};

export const isChatToHost: (value: unknown) => value is ChatToHost = guardToHost<ChatCommand>(chatCommands);

// ---- host → page -------------------------------------------------------------------------------------------------

export type ChatUpdate =
  /** Before the first snapshot: what it waits for. */
  | { readonly type: "opening"; readonly waitsFor: "engine" | "conversation" }
  | { readonly type: "snapshot"; readonly snapshot: ChatSnapshot }
  | { readonly type: "agent"; readonly agent: AgentSummary; readonly system?: string; readonly readOnly?: Problem }
  /** The head moved (rewind, regenerate, switch of branch). */
  | { readonly type: "branch"; readonly branch: ChatBranch }
  /** A turn ended where there are other branches: the current one has its answer and its tokens now. */
  | { readonly type: "branches"; readonly branches: ChatBranch["branches"] }
  /** A turn began, ended or changed: replaces the one of its id, else comes last. */
  | { readonly type: "turn"; readonly turn: PageTurn }
  | { readonly type: "progress"; readonly turn: TurnId; readonly progress: RunProgress }
  | { readonly type: "text"; readonly turn: TurnId; readonly delta: TextDelta }
  | { readonly type: "engine"; readonly engine: PageEngine }
  /** How long the draft is that was told with `serial`; without `size` it is not known. */
  | { readonly type: "draftSize"; readonly serial: number; readonly size?: DraftSize }
  /**
   * What was asked for did not fit, and the conversation is as it was. A message is the draft again, before what was
   * written since; there is none where an answer was to be made again.
   */
  | { readonly type: "refused"; readonly message?: MessageDraft; readonly problem: Problem }
  /** What is selected in the editor now. */
  | { readonly type: "selection"; readonly selection?: EditorSelection }
  /** Text for the end of the message being written (the selection, for one); the message takes the focus. */
  | { readonly type: "draft"; readonly text: string };

export type ChatToPage = ChatUpdate | Reply;
