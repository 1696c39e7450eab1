/** An agent's manifest: the commit point. Data that it does not refer to does not exist. */
import { createHash } from "node:crypto";
import type { PinnedFileView } from "../common/attachments";
import { type BlockIdentity, decodeIdentity } from "./blockIdentity";
import type { CommittedLogs } from "./committedLogs";
import {
  asObject,
  type JsonObject,
  MalformedJson,
  parseObject,
  readCount,
  readCounts,
  readList,
  readNumber,
  readNumbers,
  readOptionalString,
  readString,
  readStrings,
} from "./json";
import type { KeysOfManifest } from "./keyFile";

/** 2: the keys of blocks are in a file of their own. */
const manifestFormat = 2;
const oldestFormat = 1;

/** Names of the files in an agent's folder; tails have their own. */
export const agentFiles = {
  manifest: "manifest.json",
  turns: "turns.log",
  tokens: "tokens.bin",
  keys: "keys.bin",
  lock: "lock",
} as const;

/** Manifests of format 1 contain a key for each block: 64 MB hold the keys of 60 million tokens. */
export const maxManifestBytes = 64 * 1024 * 1024;

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
  /** Calls of the answer at the head that wait for results; absent: none. */
  readonly headCalls?: number;
  readonly createdAt: number;
  readonly lastUsedAt: number;
  /** The agent's cache leaves memory after all unpinned ones. */
  readonly pinned?: boolean;
  /** The agent's own sampling parameters by name; absent or empty: none. */
  readonly sampling?: Readonly<Record<string, number>>;
  /** The day that its prompts name, "2026-11-30": that of the conversation's beginning, whatever the day is. */
  readonly day?: string;
  /** How it thinks; absent: as its model does by itself. */
  readonly thinking?: string;
  /** JSON of the tools that its model is told of; absent or empty: none. */
  readonly tools?: string;
  /** The address of the server that answers; absent or empty: the model in the folder does. */
  readonly server?: string;
  /** Id of the agent that it answers for; absent or empty: none. */
  readonly delegateOf?: string;
  /** The pinned files, whose texts are in the log; absent or empty: none. */
  readonly files?: readonly PinnedFileView[];
  /** Tokens of what stands before the pinned files and the conversation; absent or 0: they were not counted yet. */
  readonly instructionTokens?: number;
  /**
   * Tokens before the conversation in the history at the head, where that was read with other instructions or files; absent
   * or 0: with those of now.
   */
  readonly headFrameTokens?: number;
  readonly logs: CommittedLogs;
  readonly cache?: CacheManifest;
}

/** The saved part of the agent's KV cache. */
export interface CacheManifest {
  readonly identity: BlockIdentity;
  /** Number of records in keys.bin at the commit: the keys of all block objects that the agent's branches refer to. */
  readonly keyRecords: number;
  /** The keys themselves in a manifest of format 1; the next save moves them to keys.bin. */
  readonly blocks?: readonly string[];
  readonly tail?: TailManifest;
  /** Tokens that the blocks and tail cover, of the branch saved last. */
  readonly tokens: number;
  /** Size of that branch's files, including the tail's. */
  readonly bytes: number;
}

/** The partial last block of the branch saved last; a file in the agent's folder. */
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

/** The keys that a manifest of format 1 contains. */
export function keysOfManifest({ cache }: Manifest): KeysOfManifest | undefined {
  return cache?.blocks === undefined ? undefined : { identity: cache.identity, keys: cache.blocks };
}

export function tailFileName(generation: number): string {
  return `tail-${generation}.safetensors`;
}

/** The generation in the name of a tail's file or its window file; `undefined`: the file is not a tail's. */
export function tailGenerationOf(fileName: string): number | undefined {
  const digits = /^tail-(\d+)(\.window)?\.safetensors$/.exec(fileName)?.[1];
  return digits === undefined ? undefined : Number(digits);
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
  if (format < oldestFormat || format > manifestFormat) {
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
    ...(object["headCalls"] === undefined ? {} : { headCalls: readCount(object, "headCalls") }),
    createdAt: readNumber(object, "createdAt"),
    lastUsedAt: readNumber(object, "lastUsedAt"),
    ...(object["pinned"] === true ? { pinned: true } : {}),
    ...(object["sampling"] === undefined ? {} : { sampling: readNumbers(object, "sampling") }),
    ...optionalTexts(object),
    ...(object["files"] === undefined ? {} : { files: readList(object, "files").map(decodeFile) }),
    ...optionalCount(object, "instructionTokens"),
    ...optionalCount(object, "headFrameTokens"),
    logs: decodeLogs(asObject(object["logs"], "logs")),
    ...(object["cache"] === undefined ? {} : { cache: decodeCache(asObject(object["cache"], "cache")) }),
  };
}

function optionalCount<K extends string>(object: JsonObject, key: K): { readonly [key in K]?: number } {
  return object[key] === undefined ? {} : ({ [key]: readCount(object, key) } as { readonly [key in K]: number });
}

/** Settings that are a text each. */
export function optionalTexts(
  object: JsonObject,
): Pick<Manifest, "day" | "thinking" | "tools" | "server" | "delegateOf"> {
  const day = readOptionalString(object, "day");
  const thinking = readOptionalString(object, "thinking");
  const tools = readOptionalString(object, "tools");
  const server = readOptionalString(object, "server");
  const delegateOf = readOptionalString(object, "delegateOf");
  return {
    ...(day === undefined ? {} : { day }),
    ...(thinking === undefined ? {} : { thinking }),
    ...(tools === undefined ? {} : { tools }),
    ...(server === undefined ? {} : { server }),
    ...(delegateOf === undefined ? {} : { delegateOf }),
  };
}

function decodeFile(item: unknown): PinnedFileView {
  const file = asObject(item, "file");
  return {
    path: readString(file, "path"),
    digest: readString(file, "digest"),
    length: readCount(file, "length"),
    ...(file["tokens"] === undefined ? {} : { tokens: readCount(file, "tokens") }),
  };
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
  return {
    identity: decodeIdentity(asObject(object["identity"], "identity")),
    keyRecords: object["keyRecords"] === undefined ? 0 : readCount(object, "keyRecords"),
    ...(object["blocks"] === undefined ? {} : { blocks: readStrings(object, "blocks") }),
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
