/** Parts of the workspace that a message carries: plain data, which crosses every port and every log. */

export const attachmentKinds = ["selection", "file", "folder", "problems", "terminal", "change"] as const;
/**
 * "folder": its listing. "problems": what the editor's language services say. "terminal": the selection in a terminal.
 * "change": a file among the agent's pinned files was changed; its text is a unified diff.
 */
export type AttachmentKind = (typeof attachmentKinds)[number];

/** Lines from 1, both included. */
export interface LineRange {
  readonly from: number;
  readonly to: number;
}

/** As it was when it was attached: the file may change later, the message does not. */
export interface Attachment {
  readonly kind: AttachmentKind;
  /** With "/", relative to the workspace; with the folder's name first where there are several. For a terminal its name. */
  readonly path: string;
  readonly range?: LineRange;
  /** SHA-256 of the text as hexadecimal digits. */
  readonly digest: string;
  readonly text: string;
}

/** A file of an agent's prompts that stands behind its instructions: read once, for all turns. */
export interface PinnedFile {
  /** As an attachment's. */
  readonly path: string;
  readonly digest: string;
  readonly text: string;
}

/** An attachment as a view has it; its text is asked for when it is opened. */
export interface AttachmentView extends Omit<Attachment, "text"> {
  /** Of its text, in UTF-16 units. */
  readonly length: number;
}

/** A pinned file as a list has it. */
export interface PinnedFileView {
  readonly path: string;
  readonly digest: string;
  /** Of its text, in UTF-16 units. */
  readonly length: number;
  /** With its heading, for the agent's model. Absent: they were not counted yet. */
  readonly tokens?: number;
}

/** What one message and one agent take at most. Lengths are in UTF-16 units. */
export const attachmentLimits = {
  attachments: 100,
  attachedLength: 2_000_000,
  pinnedFiles: 100,
  pinnedLength: 4_000_000,
  pathLength: 4096,
} as const;

/** Behind a path: ", lines 3 to 9"; empty for the whole of it. */
export function linesText(range: LineRange | undefined): string {
  if (range === undefined) return "";
  return range.from === range.to ? `, line ${range.from}` : `, lines ${range.from} to ${range.to}`;
}

export function attachmentView({ text, ...rest }: Attachment): AttachmentView {
  return { ...rest, length: text.length };
}
