import { createHash } from "node:crypto";
import type { Attachment, PinnedFile } from "../../../src/common/attachments";

/** A file as a host hands it over. */
export function file(path: string, text: string): PinnedFile {
  return { path, digest: createHash("sha256").update(text).digest("hex"), text };
}

export function attached(path: string, text: string, more: Partial<Attachment> = {}): Attachment {
  return { kind: "file", ...file(path, text), ...more };
}
