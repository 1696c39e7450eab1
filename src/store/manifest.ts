/** An agent's manifest: the commit point. What it does not name does not exist. */
import { createHash } from "node:crypto";
import type { BlockIdentity } from "./blockIdentity";
import {
  asObject,
  type JsonObject,
  MalformedJson,
  parseObject,
  readCount,
  readCounts,
  readNumber,
  readOptionalString,
  readString,
  readStrings,
} from "./json";
import type { CommittedLogs } from "./turnLog";

const manifestFormat = 1;

/** Names of the files in an agent's folder; tails have their own. */
export const agentFiles = {
  manifest: "manifest.json",
  turns: "turns.log",
  tokens: "tokens.bin",
  lock: "lock",
} as const;

export interface Manifest {
  readonly id: string;
  readonly name: string;
  /** Order of creation, from 0. */
  readonly index: number;
  readonly modelDirectory: string;
  readonly modelName: string;
  readonly contextTokens: number;
  readonly system: string;
  /** Turn that the next message follows; absent before the first turn. */
  readonly head?: string;
  /** Length of the branch at the head, so that a list of agents needs no logs. */
  readonly headTokens: number;
  readonly headTurns: number;
  readonly createdAt: number;
  readonly lastUsedAt: number;
  /** Leaves memory after all others. */
  readonly pinned?: boolean;
  /** The agent's own sampling, by name; absent or empty: it has none. */
  readonly sampling?: Readonly<Record<string, number>>;
  readonly logs: CommittedLogs;
  readonly cache?: CacheManifest;
}

/** What of the agent's KV cache was saved. */
export interface CacheManifest {
  readonly identity: BlockIdentity;
  /** Keys of all block objects that the agent's branches refer to, in order of saving. */
  readonly blocks: readonly string[];
  readonly tail?: TailManifest;
  /** Tokens of the branch saved last that its blocks and tail cover. */
  readonly tokens: number;
  /** Size of that branch's files, the tail's included. */
  readonly bytes: number;
}

/** The partial last block of the branch that was saved last, a file in the agent's folder. */
export interface TailManifest {
  readonly generation: number;
  readonly parent: string;
  /** Position of its first token. */
  readonly start: number;
  /** Its token ids. */
  readonly tokens: readonly number[];
  /** Size of its file. */
  readonly bytes: number;
}

export function tailFileName(generation: number): string {
  return `tail-${generation}.safetensors`;
}

export function encodeManifest(manifest: Manifest): Buffer {
  const body = JSON.stringify({ format: manifestFormat, ...manifest });
  return Buffer.from(`${JSON.stringify({ checksum: checksum(body), body })}\n`, "utf8");
}

/** Throws `MalformedJson` with the reason when the bytes are not a whole manifest of this format. */
export function decodeManifest(bytes: Uint8Array): Manifest {
  const outer = parseObject(Buffer.from(bytes).toString("utf8"));
  const body = readString(outer, "body");
  if (readString(outer, "checksum") !== checksum(body)) throw new MalformedJson("its checksum is wrong");
  const object = parseObject(body);
  const format = readCount(object, "format");
  if (format !== manifestFormat) {
    throw new MalformedJson(`it has format ${format}, this program reads format ${manifestFormat}`);
  }
  const head = readOptionalString(object, "head");
  return {
    id: readString(object, "id"),
    name: readString(object, "name"),
    index: readCount(object, "index"),
    modelDirectory: readString(object, "modelDirectory"),
    modelName: readString(object, "modelName"),
    contextTokens: readCount(object, "contextTokens"),
    system: readString(object, "system"),
    ...(head === undefined ? {} : { head }),
    headTokens: readCount(object, "headTokens"),
    headTurns: readCount(object, "headTurns"),
    createdAt: readNumber(object, "createdAt"),
    lastUsedAt: readNumber(object, "lastUsedAt"),
    ...(object["pinned"] === true ? { pinned: true } : {}),
    ...(object["sampling"] === undefined ? {} : { sampling: decodeNumbers(asObject(object["sampling"], "sampling")) }),
    logs: decodeLogs(asObject(object["logs"], "logs")),
    ...(object["cache"] === undefined ? {} : { cache: decodeCache(asObject(object["cache"], "cache")) }),
  };
}

function decodeNumbers(object: JsonObject): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.keys(object).map((key) => [key, readNumber(object, key)]));
}

function decodeLogs(object: JsonObject): CommittedLogs {
  return {
    turnBytes: readCount(object, "turnBytes"),
    turnDigest: readString(object, "turnDigest"),
    tokenCount: readCount(object, "tokenCount"),
    tokenDigest: readString(object, "tokenDigest"),
  };
}

function decodeCache(object: JsonObject): CacheManifest {
  const identity = asObject(object["identity"], "identity");
  return {
    identity: {
      weightsId: readString(identity, "weightsId"),
      architectureId: readString(identity, "architectureId"),
      kvDtype: readString(identity, "kvDtype"),
      blockTokens: readCount(identity, "blockTokens"),
      kvLayoutId: readString(identity, "kvLayoutId"),
      numericsId: readString(identity, "numericsId"),
    },
    blocks: readStrings(object, "blocks"),
    ...(object["tail"] === undefined ? {} : { tail: decodeTail(asObject(object["tail"], "tail")) }),
    tokens: readCount(object, "tokens"),
    bytes: readCount(object, "bytes"),
  };
}

function decodeTail(object: JsonObject): TailManifest {
  return {
    generation: readCount(object, "generation"),
    parent: readString(object, "parent"),
    start: readCount(object, "start"),
    tokens: readCounts(object, "tokens"),
    bytes: readCount(object, "bytes"),
  };
}

function checksum(body: string): string {
  return createHash("sha256").update(body).digest("hex");
}
