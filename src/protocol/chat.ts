/** Messages between the chat page of one agent and the host. */
import { contentCommands, type GuardTable, guardToHost, isAction, isId, isText, optional } from "./guard";
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
import type { AgentDetail, AgentSummary, TurnId } from "./service";

export type StartId = Extract<ActionId, "startFromSelection" | "forkAnother" | "editInstructions" | "chooseModel">;

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
  /** What the empty page of a new agent offers, in this order. */
  readonly starts: readonly StartId[];
  /** Why this agent can be read but not continued here (locked by another window, damaged), with its buttons. */
  readonly readOnly?: Problem;
}

// ---- page → host -------------------------------------------------------------------------------------------------

/** The user's choices that need more than the page has (a name, which turn) are asked by the host in its own UI. */
export type ChatCommand =
  | { readonly type: "send"; readonly text: string }
  /** The message that is being written has rested: what stands there may be read ahead. Never fails. */
  | { readonly type: "readAhead"; readonly draft: string }
  | { readonly type: "stop" }
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
  send: { text: isText },
  readAhead: { draft: isText },
  stop: {},
  regenerate: { turn: isId },
  fork: { turn: optional(isId) },
  rewind: { turn: optional(isId) },
  switchBranch: { turn: isId },
  act: { action: isAction, turn: optional(isId) },
};

export const isChatToHost: (value: unknown) => value is ChatToHost = guardToHost<ChatCommand>(chatCommands);

// ---- host → page -------------------------------------------------------------------------------------------------

export type ChatUpdate =
  | { readonly type: "snapshot"; readonly snapshot: ChatSnapshot }
  | { readonly type: "agent"; readonly agent: AgentSummary; readonly system?: string; readonly readOnly?: Problem }
  /** The head moved (rewind, regenerate, switch of branch). */
  | { readonly type: "branch"; readonly branch: ChatBranch }
  /** A turn began, ended or changed: replaces the one of its id, else comes last. */
  | { readonly type: "turn"; readonly turn: PageTurn }
  | { readonly type: "progress"; readonly turn: TurnId; readonly progress: RunProgress }
  | { readonly type: "text"; readonly turn: TurnId; readonly delta: TextDelta }
  | { readonly type: "engine"; readonly engine: PageEngine }
  /** Text for the end of the message being written (the selection, for one); the message takes the focus. */
  | { readonly type: "draft"; readonly text: string };

export type ChatToPage = ChatUpdate | Reply;
