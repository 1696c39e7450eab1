import { type Attachment, attachmentLimits, type LineRange } from "../../common/attachments";
import { createFormats } from "../../common/format";
import type { AttachmentChip } from "../../protocol/page";

/** What the draft of a message carries. Without a text it could not be attached, and is not sent: `problem` says why. */
export interface DraftFile extends Attachment {
  /** Also where a part of it was left out. One sentence. */
  readonly problem?: string;
}

/** Room for the changes of pinned files, which go with the message too. */
const mostFiles = attachmentLimits.attachments / 2;
const mostLength = attachmentLimits.attachedLength / 2;

/** Something that cannot be attached: it is shown with its reason until it is taken away. */
export function refusedFile(kind: Attachment["kind"], path: string, problem: string, range?: LineRange): DraftFile {
  return { kind, path, ...(range && { range }), digest: "", text: "", problem };
}

/** Whether it goes with the message. */
export function isSent({ text }: Pick<DraftFile, "text">): boolean {
  return text !== "";
}

/** `files` with `added` behind them; what is attached again takes the place of what was there. */
export function withFiles(files: readonly DraftFile[], added: readonly DraftFile[]): readonly DraftFile[] {
  const all = new Map(files.map((file) => [keyOf(file), file]));
  for (const file of added) all.set(keyOf(file), file);
  const { count } = createFormats("en");
  let sent = 0;
  let length = 0;
  return [...all.values()].slice(0, 2 * mostFiles).map((file) => {
    if (!isSent(file)) return file;
    if (sent >= mostFiles) return refused(file, `A message takes ${count(mostFiles)} attachments at most.`);
    if (length + file.text.length > mostLength) {
      return refused(file, `All attachments of a message have ${count(mostLength)} characters at most.`);
    }
    sent += 1;
    length += file.text.length;
    return file;
  });
}

function refused({ kind, path, range }: DraftFile, problem: string): DraftFile {
  return refusedFile(kind, path, problem, range);
}

function keyOf({ kind, path, range }: DraftFile): string {
  return `${kind} ${range?.from ?? ""}-${range?.to ?? ""} ${path}`;
}

/** As a message takes them. */
export function sentAttachments(files: readonly DraftFile[]): readonly Attachment[] {
  return files.filter(isSent).map(({ problem: _, ...attachment }) => attachment);
}

/** As a page shows them. */
export function attachmentChips(
  files: readonly DraftFile[],
  tokensOf: (file: DraftFile) => number | undefined = () => undefined,
): readonly AttachmentChip[] {
  return files.map((file) => {
    const { text, ...chip } = file;
    const tokens = tokensOf(file);
    return { ...chip, length: text.length, ...(tokens === undefined ? {} : { tokens }) };
  });
}
