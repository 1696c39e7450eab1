/** Attachments and pinned files as they come in: what is refused, and with which numbers. */
import {
  type Attachment,
  attachmentKinds,
  attachmentLimits,
  type LineRange,
  type PinnedFile,
} from "../common/attachments";
import { InvalidRequestError } from "../common/errors";
import { createFormats } from "../common/format";
import { visiblePath } from "../common/visiblePath";

const { count } = createFormats("en");

/** Only what is known of an attachment is kept. Throws INVALID_REQUEST. */
export function checkedAttachments(attachments: readonly Attachment[]): readonly Attachment[] {
  const { attachments: most, attachedLength } = attachmentLimits;
  if (attachments.length > most) {
    throw new InvalidRequestError(
      `a message takes at most ${most} attachments, and this one has ${count(attachments.length)}`,
      "attach fewer, or a folder's listing",
      { attachments: attachments.length, most },
    );
  }
  const checked = attachments.map((attachment) => {
    const { kind, range } = attachment;
    const file = checkedFile(attachment, "attachment");
    if (!attachmentKinds.includes(kind)) {
      throw new InvalidRequestError(
        `${shown(file.path)} is attached as '${kind}'`,
        `use ${attachmentKinds.join(", ")}`,
        {
          path: file.path,
        },
      );
    }
    if (file.text === "") {
      throw new InvalidRequestError(`${shown(file.path)} has no text`, "attach something that can be read", {
        path: file.path,
      });
    }
    return { kind, ...file, ...(range === undefined ? {} : { range: checkedRange(range, file.path) }) };
  });
  assertLength(checked, attachedLength, "a message takes at most", "attach a part of it");
  return checked;
}

/** Throws INVALID_REQUEST. An empty file is a file. */
export function checkedPinnedFiles(files: readonly PinnedFile[]): readonly PinnedFile[] {
  const { pinnedFiles: most, pinnedLength } = attachmentLimits;
  if (files.length > most) {
    throw new InvalidRequestError(
      `an agent takes at most ${most} pinned files, and these are ${count(files.length)}`,
      "pin fewer",
      { files: files.length, most },
    );
  }
  const checked = files.map((file) => checkedFile(file, "pinned file"));
  const paths = new Set<string>();
  for (const { path } of checked) {
    if (paths.has(path)) throw new InvalidRequestError(`${shown(path)} is pinned twice`, "pin it once", { path });
    paths.add(path);
  }
  assertLength(checked, pinnedLength, "an agent's pinned files have at most", "leave it out, or attach a part of it");
  return checked;
}

function checkedFile({ path, digest, text }: PinnedFile, what: string): PinnedFile {
  const { pathLength } = attachmentLimits;
  if (typeof path !== "string" || path.trim() === "" || path.length > pathLength) {
    throw new InvalidRequestError(
      `a ${what} has no path that can be used`,
      `name it in at most ${count(pathLength)} characters`,
      {
        length: typeof path === "string" ? path.length : 0,
        most: pathLength,
      },
    );
  }
  if (typeof text !== "string" || !/^[0-9a-f]{64}$/.test(String(digest))) {
    throw new InvalidRequestError(
      `${shown(path)} comes without its text or the digest of it`,
      "send the text, with its SHA-256 in hexadecimal digits",
      { path },
    );
  }
  return { path, digest, text };
}

function checkedRange({ from, to }: LineRange, path: string): LineRange {
  if (Number.isSafeInteger(from) && Number.isSafeInteger(to) && from >= 1 && from <= to) return { from, to };
  throw new InvalidRequestError(`${shown(path)} has no lines ${from} to ${to}`, "count lines from 1, both included", {
    path,
  });
}

/** Names the longest one: it is most likely the one that is too much. */
function assertLength(files: readonly PinnedFile[], most: number, rule: string, advice: string): void {
  const length = files.reduce((sum, { text }) => sum + text.length, 0);
  if (length <= most) return;
  const longest = files.reduce((a, b) => (b.text.length > a.text.length ? b : a));
  throw new InvalidRequestError(
    `${rule} ${count(most)} characters of files, and these are ${count(length)}; ${shown(longest.path)} alone has ${count(longest.text.length)}`,
    advice,
    { length, most, path: longest.path, longest: longest.text.length },
  );
}

function shown(path: string): string {
  const visible = visiblePath(path);
  return visible.length <= 200 ? visible : `…${visible.slice(-199)}`;
}
