import { createHash } from "node:crypto";
import path from "node:path";
import type { Attachment } from "../common/attachments";
import type { Arguments } from "./arguments";
import { readInput } from "./inputFiles";

/** What `--attach` gives: PATH, or PATH:FROM-TO for lines from 1, both included. Rejects with USAGE and IO_FAILURE. */
export function readAttachments(args: Arguments): Promise<readonly Attachment[]> {
  return Promise.all(args.texts("attach").map((given) => attachmentOf(given, args)));
}

async function attachmentOf(given: string, args: Arguments): Promise<Attachment> {
  const [, file, from, to] = /^(.+):(\d+)-(\d+)$/.exec(given) ?? [];
  if (file === undefined) return { kind: "file", path: shown(given), ...digested(await readInput(given)) };
  const range = { from: Number(from), to: Number(to) };
  const lines = (await readInput(file)).split("\n");
  if (range.from < 1 || range.from > range.to || range.to > lines.length) {
    return args.refuse(`--attach '${given.slice(-80)}': ${path.basename(file)} has lines 1 to ${lines.length}`);
  }
  const text = lines.slice(range.from - 1, range.to).join("\n");
  return { kind: "file", path: shown(file), range, ...digested(text) };
}

/** As models know paths. */
function shown(file: string): string {
  return file.split(path.sep).join("/");
}

function digested(text: string): Pick<Attachment, "digest" | "text"> {
  return { digest: createHash("sha256").update(text).digest("hex"), text };
}
