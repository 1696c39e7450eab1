/**
 * What acting needs of the program that it runs in: the core's door, the files of the workspace as the editor has them, a
 * terminal, problems, the person, a clock, and places where little things are kept. Everything here may be used by several
 * agents at once. A port's method that fails throws; the call that used it fails, nothing else.
 */
import type { Disposable } from "../common/disposables";
import type { JsonObject, ToolCall } from "../common/tools";
import type { ApprovalWay, CallKind, DiffLine } from "../protocol/acting";
import type { AgentId, ResidentService, TurnId } from "../protocol/service";

// ---- the core ------------------------------------------------------------------------------------------------------

/** The part of the door that the loop uses. */
export type ActingDoor = Pick<
  ResidentService,
  "onEvent" | "getAgent" | "running" | "send" | "sendResults" | "readAheadResults" | "regenerate" | "continueAnswer"
>;

/** The part that delegates use. */
export type DelegatingDoor = ActingDoor & Pick<ResidentService, "forkAgent">;

export interface Clock {
  /** In ms, never goes back. */
  now(): number;
  /** Calls back once, after `ms`, unless it is disposed before. */
  after(ms: number, callback: () => void): Disposable;
}

// ---- calls ---------------------------------------------------------------------------------------------------------

/** Whose call it is, and where what it shows goes. */
export interface CallContext {
  readonly agent: AgentId;
  /** The turn (a step's node) whose answer made the call. */
  readonly turn: TurnId;
  /** UTF-16 units that its result may have: less for a model with a small context. */
  readonly resultLength: number;
  /** What a command printed so far: its end, without escapes. The loop shows it. */
  readonly onOutput: (end: string) => void;
  /** The call waits for the person: the loop shows the question. Rejects with ABORTED when the turn is stopped. */
  readonly ask: (question: Question) => Promise<Decision>;
  /** The agent that was forked for it before the program was started anew. */
  readonly delegate?: AgentId;
  /** An agent that was forked for it; the page can open its transcript. Resolves when a restart would find it again. */
  readonly onDelegate: (agent: AgentId) => Promise<void>;
}

/** What a call gave: the text for the model, as a `ToolResult` without its call. */
export interface CallOutcome {
  readonly text: string;
  /** The tool could not do it; `text` says why and what to do. */
  readonly failed?: boolean;
}

/** What a call is about to do, worked out without doing anything. */
export interface PreparedCall {
  /** It cannot be done: this is its result, and nobody is asked. */
  readonly refused?: CallOutcome;
  /** One line for the person: "Edit src/a.ts (+3 −1)". */
  readonly question?: string;
  readonly diff?: readonly DiffLine[];
  /** The file that a write would change, with its text before and after: for a diff editor. */
  readonly change?: FileChange;
  /** What a command is, word for word. */
  readonly command?: string;
  /** It touches what decides over the agent's own freedom (settings of the workspace): always asked, whatever is set. */
  readonly isDelicate?: boolean;
}

/** The tools as the loop sees them: the nine built-in ones and the others that the person chose. */
export interface Tools {
  kindOf(name: string): CallKind;
  /** Of a call that changes something, or that a question belongs to. Never throws for what a model wrote: `refused` says it. */
  prepare(call: ToolCall, context: CallContext, signal: AbortSignal): Promise<PreparedCall>;
  /**
   * Does it. `accepted` is what the person agreed to where that is less than what was prepared. When `signal` is aborted it ends
   * soon, whatever it waits for, and what it did so far is told in its result.
   */
  run(call: ToolCall, context: CallContext, signal: AbortSignal, accepted?: Accepted): Promise<CallOutcome>;
}

export interface Accepted {
  /** What was prepared, so that exactly that is done or nothing. */
  readonly prepared: PreparedCall;
  /** The text that the file gets: the person took some hunks only. Absent: all of them. */
  readonly text?: string;
}

// ---- the person ----------------------------------------------------------------------------------------------------

export interface Question {
  readonly agent: AgentId;
  readonly call: ToolCall;
  readonly kind: CallKind;
  /** One line. */
  readonly question: string;
  readonly choices: readonly { readonly way: ApprovalWay; readonly label: string }[];
  readonly diff?: readonly DiffLine[];
  /** For a diff editor. */
  readonly change?: FileChange;
  /** The beginning of commands that "always" would allow. */
  readonly prefix?: string;
  /** The call had begun before the program was started anew, and the question says so. */
  readonly hasBegun?: boolean;
}

/** What waited for the person when the program ended. */
export type LeftQuestion = Pick<Question, "hasBegun"> & {
  /** A call's id. */
  readonly call: string;
};

export interface Decision {
  readonly way: Exclude<ApprovalWay, "openDiff">;
  /** "answer": the answer. "deny": why, where the person said so. "allow" of a write: the text with the accepted hunks only. */
  readonly text?: string;
}

export interface Approvals {
  /**
   * Asks the person; several questions may wait at once. Never resolves by itself. Rejects with ABORTED when `signal` is
   * aborted: then the question is gone.
   */
  ask(question: Question, signal: AbortSignal): Promise<Decision>;
}

export const writeApprovals = ["before", "after", "never"] as const;
/** "before": each write is shown and asked. "after": it is made, and shown to be taken back. "never": it is only made. */
export type WriteApproval = (typeof writeApprovals)[number];

export interface ApprovalSettings {
  readonly isTrusted: boolean;
  readonly write: WriteApproval;
  /** Every command is asked for, but those that begin with words of `commands`. */
  readonly run: "ask" | "never";
  readonly commands: readonly string[];
  /** Tools that are not Resident's. */
  readonly other: "ask" | "never";
  /** Names of tools that are not Resident's and are not asked for. */
  readonly others: readonly string[];
}

export interface Permissions {
  /** As they are now: asked before each call. */
  settings(): ApprovalSettings;
  /** The person chose "always". Commands: `prefix` is allowed from now on; writes: "never" asks; a foreign tool: its name. */
  allow(rule: AllowedRule): Promise<void>;
}

export type AllowedRule =
  | { readonly kind: "write" }
  | { readonly kind: "run"; readonly prefix: string }
  | { readonly kind: "other"; readonly tool: string };

// ---- files ---------------------------------------------------------------------------------------------------------

/** A folder of the workspace. */
export interface WorkspaceFolder {
  /** Unique among the folders; paths begin with it where there are several. */
  readonly name: string;
  /** Where it is, absolute, with "/"; for the folder of a file system without such paths the path of its URI. */
  readonly path: string;
  /** Of a file system that is not this machine's: two of them may have the same path. */
  readonly uri?: string;
}

/** A file or folder inside a folder of the workspace. Made by `resolvePath` only, from what a model or person wrote. */
export interface FileRef {
  /** Index of its folder in `Workspace.folders()`. */
  readonly folder: number;
  /** Below the folder, with "/"; "" is the folder itself. */
  readonly path: string;
  /** As the model and the person see it: with the folder's name first where there are several; "." for the only folder. */
  readonly shown: string;
  /** It decides what programs and agents may do here (settings, tasks, hooks): its writes are always asked for. */
  readonly isDelicate?: boolean;
}

/** A file's text as the editor has it: of an open document with its unsaved changes, else as it is on disk. */
export type FileText =
  | {
      readonly kind: "text";
      /** With its line ends. With a byte-order mark only where the port would write it back as a part of the text. */
      readonly text: string;
      /** `Digest` of `text`. */
      readonly digest: string;
    }
  | { readonly kind: "missing" }
  | { readonly kind: "folder" }
  | { readonly kind: "binary"; readonly bytes: number }
  /** More than the port reads at once. */
  | { readonly kind: "large"; readonly bytes: number };

/** SHA-256 of a text as hexadecimal digits, as `Attachment.digest`. */
export type Digest = (text: string) => string;

/** A change of one file. */
export interface FileChange {
  readonly file: FileRef;
  /** The text that it has now; absent: there is no such file. */
  readonly before?: string;
  /** Absent: the file is removed (only when a rewind takes back its creation). */
  readonly after?: string;
}

export interface Workspace {
  /** Empty: no folder is open. */
  folders(): readonly WorkspaceFolder[];
  /**
   * The absolute path, with "/" and with all links followed, of a file or folder; of its nearest ancestor that exists (with
   * the rest behind it) where it does not. `undefined`: this file system has no links.
   */
  realPath(file: FileRef): Promise<string | undefined>;
  read(file: FileRef): Promise<FileText>;
  /**
   * Writes `change.after` through the editor, so that it can be undone, and saves it. Does nothing and gives "changed" where the
   * file's text is not `change.before` (there is one although `before` is absent). Makes the folders on the way.
   */
  write(change: FileChange): Promise<"written" | "changed">;
  /**
   * What is below a folder, without what is ignored (`.gitignore`, `files.exclude`): paths below it with "/", a folder without
   * anything listed in it with "/" at its end. At most `most` of them, any order.
   */
  list(folder: FileRef, most: number, signal: AbortSignal): Promise<FoundFiles>;
  /** Lines that match, in files that `list` would give, at most `most` lines. Never blocks the program's thread for long. */
  search(query: SearchQuery, most: number, signal: AbortSignal): Promise<FoundLines>;
}

export interface FoundFiles {
  readonly paths: readonly string[];
  /** There are more. */
  readonly isCut: boolean;
}

export interface SearchQuery {
  readonly text: string;
  /** A JavaScript regular expression (flags "u" where it allows them, without "i"); else the text itself. */
  readonly isRegex: boolean;
  /** A file or a folder; absent: the whole workspace. */
  readonly below?: FileRef;
}

export interface FoundLine {
  readonly path: string;
  /** From 1. */
  readonly line: number;
  /** The line, or its beginning. */
  readonly text: string;
}

export interface FoundLines {
  /** `path` as a `FileRef.shown`. */
  readonly lines: readonly FoundLine[];
  readonly isCut: boolean;
}

// ---- commands, problems, other tools -------------------------------------------------------------------------------

export interface Commands {
  /**
   * Runs a command line in a terminal at the first folder that is on a machine with terminals. `onData` gets what it prints, escapes included, as it comes; nothing
   * of it is kept by the port. When `signal` is aborted, the command and what it started are ended, and this resolves.
   */
  run(request: CommandRequest, onData: (data: string) => void, signal: AbortSignal): Promise<CommandEnd>;
}

export interface CommandRequest {
  readonly agent: AgentId;
  readonly command: string;
}

export interface CommandEnd {
  /** Absent: it is not known (it was ended, or the terminal was closed). */
  readonly exitCode?: number;
}

export const problemSeverities = ["error", "warning", "information", "hint"] as const;

export interface Problem {
  /** As a `FileRef.shown`. */
  readonly path: string;
  /** From 1. */
  readonly line: number;
  readonly severity: (typeof problemSeverities)[number];
  readonly message: string;
  /** "ts 2322" */
  readonly source?: string;
}

export interface Problems {
  /** What the editor's language services say now, of a file, of what is below a folder, or of all. */
  list(below: FileRef | undefined, signal: AbortSignal): Promise<readonly Problem[]>;
}

/** Tools of the editor and of the person's servers, as far as the agent was given them. */
export interface OtherTools {
  has(name: string): boolean;
  run(name: string, args: JsonObject, agent: AgentId, signal: AbortSignal): Promise<CallOutcome>;
}

// ---- what is kept --------------------------------------------------------------------------------------------------

/** What an agent has seen of a file last: what it read, or what it wrote itself. Kept across restarts, bounded by the port. */
export interface SeenFiles {
  get(agent: AgentId, path: string): string | undefined;
  /** `digest` of the whole text. */
  set(agent: AgentId, path: string, digest: string): void;
}

/** Which calls of the answer at an agent's head ran, so that a restart runs none of them twice unasked. */
export interface Journal {
  read(agent: AgentId): Promise<readonly JournalEntry[]>;
  /** Replaces all of the agent's; resolves when it is on disk. */
  write(agent: AgentId, entries: readonly JournalEntry[]): Promise<void>;
}

export interface JournalEntry {
  /** A call's id. */
  readonly call: string;
  /** Absent: it began, and nobody knows whether it ended. */
  readonly result?: CallOutcome;
  /** The agent that was forked for it: it has done a part of the task, or all. */
  readonly delegate?: AgentId;
}

/** One write of an agent. */
export interface Checkpoint {
  readonly turn: TurnId;
  readonly call: string;
  /** The folder's URI, or its path where it has none, and the path below it: what is put back does not depend on which folders are open meanwhile. */
  readonly folder: string;
  readonly path: string;
  /** Digests of its text before and after, whose texts the store keeps; absent: there was (is) no such file. */
  readonly before?: string;
  readonly after?: string;
}

export interface CheckpointStore {
  /** Keeps it and its texts (each once); resolves when they are on disk, before the file is written. */
  add(agent: AgentId, checkpoint: Checkpoint, texts: Readonly<Record<string, string>>): Promise<void>;
  /** In the order in which they were added. */
  list(agent: AgentId): Promise<readonly Checkpoint[]>;
  text(agent: AgentId, digest: string): Promise<string | undefined>;
}

// ---- together ------------------------------------------------------------------------------------------------------

/** How much an agent may do by itself for one message; then it waits for the person. */
export interface Limits {
  /** Answers that call tools. */
  readonly steps: number;
  /** Without the time that it waits for the person. */
  readonly minutes: number;
}

/** Everything that a loop needs. */
export interface LoopPorts {
  readonly door: ActingDoor;
  readonly tools: Tools;
  readonly approvals: Approvals;
  readonly permissions: Permissions;
  readonly journal: Journal;
  readonly clock: Clock;
  /** As they are set now. */
  readonly limits: () => Limits;
}

/** Everything that the built-in tools need. */
export interface ToolPorts {
  readonly workspace: Workspace;
  readonly commands: Commands;
  readonly problems: Problems;
  readonly others: OtherTools;
  readonly seen: SeenFiles;
  readonly checkpoints: CheckpointStore;
  readonly digest: Digest;
  readonly clock: Clock;
  readonly delegates: Delegates;
}

/** Answers a task with a fork of the agent. */
export interface Delegates {
  run(task: string, context: CallContext, signal: AbortSignal): Promise<CallOutcome>;
}

/** What the program gives: everything that is not made here. */
export interface ActingPorts extends Omit<LoopPorts, "tools" | "door">, Omit<ToolPorts, "delegates" | "clock"> {
  readonly door: DelegatingDoor;
}
