/** Messages between the chat page of one agent and the host. */
import { type ActingCommand, type ActingSnapshot, type ActingUpdate, actingCommands } from "./chatActing";
import { type ContextParts, type FilesCommand, type FilesSnapshot, type FilesUpdate, filesCommands } from "./chatFiles";
import {
  contentCommands,
  type GuardTable,
  guardToHost,
  isAction,
  isCallId,
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
import type { AgentDetail, AgentSummary, DraftSize, ResultView, TemplateFacts, TurnId } from "./service";

export type StartId = Extract<ActionId, "startFromSelection" | "forkAnother" | "editInstructions" | "chooseModel">;

/** A message that is not sent yet. `instead`: it will replace the message of this turn. */
export interface MessageDraft {
  readonly text: string;
  readonly instead?: TurnId;
}

/** The selection in the text editor that had the focus last. */
export interface EditorSelection {
  /** Short: "recover.ts:88–141". */
  readonly label: string;
  /** With the path in the workspace: "src/recover.ts:88–141". */
  readonly title: string;
  readonly lines: number;
}

/** The branch at the head, oldest turn first, and the tree of all turns if there are other branches. */
export interface ChatBranch {
  readonly turns: readonly PageTurn[];
  readonly branches: AgentDetail["branches"];
}

/** What the agent's model lets a person choose, and what its template writes. */
export type ChatModelFacts = Pick<TemplateFacts, "thinkingChoices" | "insistsOnDate">;

export interface ChatSnapshot extends ChatBranch, FilesSnapshot, ActingSnapshot {
  readonly settings: PageSettings;
  readonly agent: AgentSummary;
  /** Absent until the model's files were looked at. */
  readonly modelFacts?: ChatModelFacts;
  /** The agent's instructions, empty when it has none. */
  readonly system: string;
  readonly engine: PageEngine;
  /** Offers on the empty page of a new agent, next to the selection, in this order. */
  readonly starts: readonly Exclude<StartId, "startFromSelection">[];
  readonly selection?: EditorSelection;
  /** The draft from before the panel was closed; a page that has a draft of its own ignores it. */
  readonly draft?: MessageDraft;
  /** Why this agent can be read but not continued here (locked by another window, damaged), with its buttons. */
  readonly readOnly?: Problem;
}

// ---- page → host -------------------------------------------------------------------------------------------------

/** The host asks in its own UI for anything more that a command needs (a name, which turn). */
export type ChatCommand =
  /** With `instead` on a new branch, from the turn before that one. */
  | { readonly type: "send"; readonly text: string; readonly instead?: TurnId }
  /**
   * The user has paused in the message: the draft may be read ahead, and is measured. Never fails. The host answers
   * with a `draftSize` of the same `serial`, unless a later draft comes first.
   */
  | { readonly type: "readAhead"; readonly draft: string; readonly instead?: TurnId; readonly serial: number }
  | { readonly type: "stop" }
  /** Continues the head's answer, which was cut. */
  | { readonly type: "continue" }
  /** A pinned agent's cache leaves memory after all others. */
  | { readonly type: "pin"; readonly pinned: boolean }
  /** The host asks how the agent shall think. */
  | { readonly type: "thinking" }
  | { readonly type: "regenerate"; readonly turn: TurnId }
  /** Makes a new agent with everything up to and including `turn` (absent: the head). */
  | { readonly type: "fork"; readonly turn?: TurnId }
  /** Makes `turn` the head; absent: the host asks which one. */
  | { readonly type: "rewind"; readonly turn?: TurnId }
  | { readonly type: "switchBranch"; readonly turn: TurnId }
  /** More of the result that `turn` goes on with for a call: a `result` update brings it. */
  | { readonly type: "showResult"; readonly turn: TurnId; readonly call: string }
  /** All of it in an editor: for what is too long for a page. */
  | { readonly type: "openResult"; readonly turn: TurnId; readonly call: string }
  /** A button that the host offered; `turn` when it is shown in one. */
  | { readonly type: "act"; readonly action: ActionId; readonly turn?: TurnId }
  | FilesCommand
  | ActingCommand
  | ContentCommand;

export type ChatToHost = ToHost<ChatCommand>;

const chatCommands: GuardTable<ChatCommand> = {
  ...contentCommands,
  ...filesCommands,
  ...actingCommands,
  send: { text: isText, instead: optional(isId) },
  readAhead: { draft: isText, instead: optional(isId), serial: isCount },
  stop: {},
  continue: {},
  pin: { pinned: isFlag },
  thinking: {},
  regenerate: { turn: isId },
  fork: { turn: optional(isId) },
  rewind: { turn: optional(isId) },
  switchBranch: { turn: isId },
  showResult: { turn: isId, call: isCallId },
  openResult: { turn: isId, call: isCallId },
  act: { action: isAction, turn: optional(isId) },
};

export const isChatToHost: (value: unknown) => value is ChatToHost = guardToHost<ChatCommand>(chatCommands);

// ---- host → page -------------------------------------------------------------------------------------------------

export type ChatUpdate =
  /** Before the first snapshot: what the page waits for. */
  | { readonly type: "opening"; readonly waitsFor: "engine" | "conversation" }
  | { readonly type: "snapshot"; readonly snapshot: ChatSnapshot }
  | {
      readonly type: "agent";
      readonly agent: AgentSummary;
      readonly system?: string;
      readonly readOnly?: Problem;
      readonly contextParts?: ContextParts;
    }
  | { readonly type: "modelFacts"; readonly facts: ChatModelFacts }
  /** The head moved (rewind, regenerate, switch of branch). */
  | { readonly type: "branch"; readonly branch: ChatBranch }
  /** A turn ended and there are other branches: the text and the tokens of the current one have changed. */
  | { readonly type: "branches"; readonly branches: ChatBranch["branches"] }
  /** A turn began, ended or changed: replaces the turn with its id, else is appended. */
  | { readonly type: "turn"; readonly turn: PageTurn }
  /** A longer beginning of a result of `turn`, or all of it. */
  | { readonly type: "result"; readonly turn: TurnId; readonly result: ResultView }
  | { readonly type: "progress"; readonly turn: TurnId; readonly progress: RunProgress }
  | { readonly type: "text"; readonly turn: TurnId; readonly delta: TextDelta }
  | { readonly type: "engine"; readonly engine: PageEngine }
  /** Size of the draft that was sent with `serial`; without `size` it is unknown. */
  | { readonly type: "draftSize"; readonly serial: number; readonly size?: DraftSize }
  /**
   * The request did not fit and the conversation is unchanged. The message goes back into the draft, before text
   * written since; there is no message when an answer was to be regenerated.
   */
  | { readonly type: "refused"; readonly message?: MessageDraft; readonly problem: Problem }
  /** The current selection in the editor. */
  | { readonly type: "selection"; readonly selection?: EditorSelection }
  /** A command has attached something to the message: it takes the focus, since it will be written next. */
  | { readonly type: "focusMessage" }
  | FilesUpdate
  | ActingUpdate;

export type ChatToPage = ChatUpdate | Reply;
