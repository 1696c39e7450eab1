/**
 * Types that the three pages share. A page boots by posting `ready`; the host answers with one complete `snapshot` and
 * then with small updates. A page that finds a gap posts `ready` again. Every request is answered by one `reply` or one
 * `failed` with its id.
 */
import type { Attachment } from "../common/attachments";
import type { ErrorInfo } from "../common/errors";
import type { DroppedCall, ToolCall } from "../common/tools";
import type { AgentId, EngineState, GenerationEvent, TurnView } from "./service";

/** What a button next to a problem can do. A closed list, so that the host's switch over it is exhaustive. */
export const actionIds = [
  "cancelLoad",
  "chooseModel",
  "connectServer",
  "diagnose",
  "editInstructions",
  "fork",
  "forkAnother",
  "getModel",
  "getStarter",
  "growPool",
  "importModel",
  "keepLastTurns",
  "loadModel",
  "newAgent",
  "newAgentAlike",
  "openSettings",
  "regenerate",
  "repair",
  "restartEngine",
  "retrySave",
  "rewind",
  "sendAgain",
  "setHubToken",
  "showLog",
  "startFromSelection",
  "tryAgain",
  "unloadModel",
  "verifyStore",
] as const;

export type ActionId = (typeof actionIds)[number];

/** A button. The host chooses it from the error's code and writes its label; the page only shows it. */
export interface Action {
  readonly id: ActionId;
  /** Title Case, in the display language, with its numbers: "Grow Pool to 320 Blocks". */
  readonly label: string;
}

/** A failure as a user sees it: what happened (with numbers), what was kept, what can be done. */
export interface Problem {
  readonly error: ErrorInfo;
  /** One sentence with its full stop: "Your message and the agent's 14,912 tokens are kept." */
  readonly kept?: string;
  /** The first one is the primary button. */
  readonly actions: readonly Action[];
}

/** The progress of a running answer before its first text. */
export type RunProgress = Extract<GenerationEvent, { type: "waitingModel" | "queued" | "restoring" | "prefill" }>;

/**
 * A node of the tree as the pages show it: failures include their buttons, a running one its progress, and of a long
 * result there is only the beginning. A further step of a turn has `results` and no message.
 */
export interface PageTurn extends Omit<TurnView, "error" | "saveError"> {
  /** Present while `state` is "running" and no text has come; absent before the first event. */
  readonly progress?: RunProgress;
  readonly problem?: Problem;
  readonly saveProblem?: Problem;
  /** Tokens there were to restore when a part was refused (`figures.cache.refused`); absent: unknown. */
  readonly storedTokens?: number;
  /** Buttons of the warning about a refused part of the stored cache. */
  readonly refusalActions?: readonly Action[];
  /** Of its message; absent: none. */
  readonly attachments?: readonly AttachmentChip[];
  /** What this window knows of its calls that have ended. */
  readonly ran?: readonly RanCall[];
  /** The files that its calls changed, and of which there is a copy from before; absent: none. */
  readonly changes?: readonly ChangedFile[];
}

/**
 * An attachment as a page shows it: the page has no text of files. `length` is that of the text in UTF-16 units. What could
 * not be attached has a length of 0 and an empty digest, and is not sent.
 */
export interface AttachmentChip extends Omit<Attachment, "text"> {
  readonly length: number;
  /** Absent: not known yet. */
  readonly tokens?: number;
  /** Why it cannot be sent, or what is left out of it, one sentence: "This is an image, which the model cannot read." */
  readonly problem?: string;
}

/** How it went with a call. */
export interface RanCall {
  /** The call's id. */
  readonly call: string;
  readonly ms?: number;
  /** Tokens of its result; absent: not known. */
  readonly tokens?: number;
  /** The agent that worked on it: its transcript can be opened. */
  readonly delegate?: AgentId;
}

/** Lines that were added and removed. */
export interface ChangedFile {
  readonly path: string;
  readonly added: number;
  readonly removed: number;
}

/** The engine as the pages show it: the state and the possible actions. */
export interface PageEngine {
  readonly state: EngineState;
  readonly actions: readonly Action[];
}

export interface PageSettings {
  /** BCP 47 tag of the display language: numbers and dates follow it. */
  readonly language: string;
}

/**
 * New text of a running answer, batched once per frame by the host. `offset` is the answer's length in UTF-16 units
 * before it: overlapping text is dropped, and after a gap the page asks for a snapshot.
 */
export interface TextDelta {
  readonly offset: number;
  readonly text: string;
  /** New text of the thought before the answer, in the same way. */
  readonly thought?: { readonly offset: number; readonly text: string };
  /** New calls, and the call that was not made. Their ids tell which ones the page has already. */
  readonly calls?: readonly ToolCall[];
  readonly dropped?: DroppedCall;
  readonly figures: NonNullable<TurnView["figures"]>;
}

/** Commands of a code block and of links; the page itself touches neither clipboard nor editor. */
export type ContentCommand =
  | { readonly type: "copy"; readonly text: string }
  | { readonly type: "insertAtCursor"; readonly code: string }
  | { readonly type: "newFile"; readonly code: string; readonly language?: string }
  /** http, https or mailto; the host refuses anything else. */
  | { readonly type: "openLink"; readonly href: string };

export type ToHost<Command> =
  | { readonly type: "ready" }
  | { readonly type: "request"; readonly id: number; readonly command: Command };

export type Reply =
  | { readonly type: "reply"; readonly id: number }
  | { readonly type: "failed"; readonly id: number; readonly problem: Problem };
