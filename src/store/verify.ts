/** Reads every block object and tail and checks that the contents match its name and its agent. */
import { readdir } from "node:fs/promises";
import path from "node:path";
import { inBatches } from "../common/batches";
import { blockFormatVersion, modelFolder, nextKey } from "./blockIdentity";
import { ifThere } from "./files";
import { type TailManifest, tailGenerationOf } from "./manifest";
import { listObjects, objectAt, type StoredObject, type StoreUsage, usageOf } from "./objectFiles";
import type { BlockChecker, BlockFileCheck } from "./ports";
import type { ReferenceReader } from "./references";
import { isWindowFile } from "./windowFiles";

/** The number of threads that read files. */
const checksInFlight = 2;

export interface FileProblem {
  readonly path: string;
  readonly bytes: number;
  /** "unreadable": the file may be good, so it stays. */
  readonly code: "truncated" | "checksum" | "format" | "geometry" | "identity" | "unreadable";
  readonly reason: string;
}

export interface VerifyReport {
  readonly checked: StoreUsage;
  readonly problems: readonly FileProblem[];
  /** The check was stopped before all files were read. */
  readonly stopped: boolean;
}

export interface VerifyOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
}

/** A file and the check of its metadata; `judge` returns what is wrong. */
interface Suspect {
  readonly object: StoredObject;
  readonly judge: (metadata: BlockFileCheck["metadata"]) => string | undefined;
}

export async function verifyStore(
  root: string,
  references: ReferenceReader,
  checker: BlockChecker,
  { signal, onProgress }: VerifyOptions = {},
): Promise<VerifyReport> {
  const objects = await listObjects(root);
  const suspects = [...objects.map(objectSuspect), ...(await tailSuspects(references))];
  const totalBytes = usageOf(suspects.map(({ object }) => object)).bytes;
  const checked: StoredObject[] = [];
  const problems: FileProblem[] = [];
  let doneBytes = 0;
  const isStopped = () => signal?.aborted === true;
  for (let from = 0; from < suspects.length && !isStopped(); from += checksInFlight) {
    const batch = suspects.slice(from, from + checksInFlight);
    const found = await inBatches(batch, checksInFlight, (suspect) => check(suspect, checker));
    problems.push(...found.filter((problem) => problem !== undefined));
    for (const { object } of batch) {
      checked.push(object);
      doneBytes += object.bytes;
    }
    onProgress?.(doneBytes, totalBytes);
  }
  return { checked: usageOf(checked), problems, stopped: isStopped() && checked.length < suspects.length };
}

/** Whether the file is still damaged: a process may have written it again since. */
export async function isStillDamaged(file: string, checker: BlockChecker): Promise<boolean> {
  const { refused } = await checker.checkBlockFile(file);
  return refused !== undefined && refused.code !== "missing" && refused.code !== "unreadable";
}

async function check({ object, judge }: Suspect, checker: BlockChecker): Promise<FileProblem | undefined> {
  const { refused, metadata } = await checker.checkBlockFile(object.path);
  const { path: file, bytes } = object;
  if (refused === undefined) {
    const reason = judge(metadata);
    return reason === undefined ? undefined : { path: file, bytes, code: "identity", reason };
  }
  // The file was removed after the files were listed.
  if (refused.code === "missing") return undefined;
  return { path: file, bytes, code: refused.code, reason: refused.reason };
}

function objectSuspect(object: StoredObject): Suspect {
  const folder = path.basename(path.dirname(path.dirname(object.path)));
  return {
    object,
    judge: (metadata) => {
      const key = keyIn(metadata);
      if (key === undefined) return "its metadata does not match its key";
      if (key !== object.key) return "it holds another block than its name says";
      if (modelFolderIn(metadata) !== folder) return "it belongs to another model than its folder";
      if (isWindow(metadata) !== isWindowFile(object.path)) return "it holds other layers than its name says";
      if (metadata["blockFormat"] !== String(blockFormatVersion)) return "it has another format version";
      return undefined;
    },
  };
}

/** The tails that manifests refer to. Other tails are leftovers, which the sweep at start removes. */
async function tailSuspects(references: ReferenceReader): Promise<readonly Suspect[]> {
  const suspects: Suspect[] = [];
  for (const [agent, tail] of (await references.read()).tails) {
    if (tail === undefined) continue;
    const folder = path.join(references.agentsRoot, agent);
    const names = (await ifThere(folder, (there) => readdir(there))) ?? [];
    for (const name of names.filter((one) => tailGenerationOf(one) === tail.generation)) {
      const object = await objectAt(path.join(folder, name));
      if (object !== undefined) suspects.push({ object, judge: (metadata) => judgeTail(metadata, tail, name) });
    }
  }
  return suspects;
}

function judgeTail(metadata: BlockFileCheck["metadata"], tail: TailManifest, name: string): string | undefined {
  if (keyIn(metadata) === undefined) return "its metadata does not match its key";
  const isOther = metadata["parent"] !== tail.parent || metadata["tokens"] !== tail.tokens.join(",");
  if (isOther) return "it holds other tokens than its agent says";
  if (isWindow(metadata) !== isWindowFile(name)) return "it holds other layers than its name says";
  return undefined;
}

/** The block's key, computed from its parent and tokens; `undefined` when the file states another key or none. */
function keyIn({ parent, tokens, key }: BlockFileCheck["metadata"]): string | undefined {
  if (parent === undefined || tokens === undefined || !/^\d+(,\d+)*$/.test(tokens)) return undefined;
  return nextKey(parent, Int32Array.from(tokens.split(","), Number)) === key ? key : undefined;
}

function modelFolderIn({ weights = "", architecture = "" }: BlockFileCheck["metadata"]): string {
  return modelFolder({ weightsId: weights, architectureId: architecture });
}

function isWindow({ layers }: BlockFileCheck["metadata"]): boolean {
  return layers === "window";
}
