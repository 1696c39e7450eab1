/** Messages between a chat's page and the host about files: what the draft carries, and what the agent always has. */
import { type GuardTable, isCount, isId, isOneOf, isPath, isText, listOf, optional } from "./guard";
import type { AttachmentChip } from "./page";
import type { TurnId } from "./service";

/** A pinned file as a page shows it. */
export interface PinnedFileChip {
  readonly path: string;
  /** Absent: not known yet. */
  readonly tokens?: number;
  /**
   * "reading": it is read in the background. "changed": the next message tells the agent what is different.
   * "refused": it is not among the files that the agent has, `problem` says why.
   */
  readonly state: "read" | "reading" | "changed" | "refused";
  /** One sentence: "It was deleted.", "It is larger than the context." */
  readonly problem?: string;
}

/** The files behind the agent's instructions, in the order in which the model reads them. */
export interface PinnedFileState {
  readonly files: readonly PinnedFileChip[];
  /** Of all of them; absent: not known yet. */
  readonly tokens?: number;
  /** They are read in the background: tokens. */
  readonly progress?: { readonly done: number; readonly total: number };
  /** What the last renewal cost: 2 of 10 files had changed, and 412 tokens were read. */
  readonly renewed?: { readonly changed: number; readonly of: number; readonly tokensRead: number };
  /** The names of agents that share what was read, because they have the same files in the same order. */
  readonly sharedWith?: readonly string[];
}

/** A file or a folder that fits what is being typed behind an `@`, the best first. */
export interface FoundFile {
  readonly path: string;
  readonly isFolder: boolean;
}

/** Tokens of what stands before the conversation, and of the conversation. */
export interface ContextParts {
  readonly instructions: number;
  readonly files: number;
  readonly conversation: number;
}

/** "selection", "file", "problems": of the text editor that had the focus last. "folder", "pick": the host asks which. */
export const attachWays = ["selection", "file", "folder", "problems", "terminal", "pick"] as const;
export type AttachWay = (typeof attachWays)[number];

/** The host keeps the draft's attachments, and answers every change with `attachments`. */
export type FilesCommand =
  | { readonly type: "attach"; readonly what: AttachWay }
  /** What was dropped or pasted: URIs or paths. */
  | { readonly type: "attachPaths"; readonly paths: readonly string[] }
  /** Chosen in the list behind an `@`. */
  | { readonly type: "attachFound"; readonly path: string }
  | { readonly type: "detach"; readonly index: number }
  /** Shows an attachment of the draft, or of the message of `turn`. */
  | { readonly type: "openAttachment"; readonly turn?: TurnId; readonly index: number }
  /**
   * The message of `turn` is being edited: the draft's attachments are those of that message, until an `editing` without a
   * turn, or the sending of it, puts back what was there.
   */
  | { readonly type: "editing"; readonly turn?: TurnId }
  /** The host answers with `foundFiles` of the same serial, unless a later query comes first. */
  | { readonly type: "findFiles"; readonly query: string; readonly serial: number }
  /** The host asks which files the agent shall always have. */
  | { readonly type: "pinFiles" }
  | { readonly type: "unpinFile"; readonly path: string }
  /** Reads the pinned files anew, from the first one that has changed. */
  | { readonly type: "renewFiles" };

/** Of a drop: files beyond it are left out. */
export const mostDropped = 200;

export const filesCommands: GuardTable<FilesCommand> = {
  attach: { what: isOneOf(attachWays) },
  attachPaths: { paths: listOf(isPath, mostDropped) },
  attachFound: { path: isPath },
  detach: { index: isCount },
  openAttachment: { turn: optional(isId), index: isCount },
  editing: { turn: optional(isId) },
  findFiles: { query: isText, serial: isCount },
  pinFiles: {},
  unpinFile: { path: isPath },
  renewFiles: {},
};

export type FilesUpdate =
  | { readonly type: "attachments"; readonly attachments: readonly AttachmentChip[] }
  | { readonly type: "foundFiles"; readonly serial: number; readonly files: readonly FoundFile[] }
  | { readonly type: "pinnedFiles"; readonly files: PinnedFileState };

/** What a snapshot says of files. A host without a part offers nothing of it. */
export interface FilesSnapshot {
  /** Of the draft; present: files can be attached. */
  readonly attachments?: readonly AttachmentChip[];
  /** Present: files can be pinned. */
  readonly pinnedFiles?: PinnedFileState;
  readonly contextParts?: ContextParts;
}
