/**
 * The two append-only files of an agent. `turns.log` has lines of a digest and a JSON object: entries, and the agent's
 * record whenever it has changed. `tokens.bin` has the entries' token ids, 4 bytes each, in the order of the entries.
 * The manifest states how much of both is committed, with digests: bytes after that belong to an unfinished save and do
 * not count.
 */
import { createHash, type Hash } from "node:crypto";
import { type AgentRecord, decodeAgentRecord, isSameAgent } from "./agentRecord";
import { tokenBytes } from "./blockIdentity";
import type { CommittedLogs } from "./committedLogs";
import { asObject, type JsonObject, MalformedJson, parseObject, readCount, readString } from "./json";

export interface LogEntry {
  readonly body: JsonObject;
  readonly tokens: Int32Array;
}

/** Where both files end, and the running digests up to there. */
export interface LogEnd {
  readonly turnBytes: number;
  readonly tokenCount: number;
  readonly turnHash: Hash;
  readonly tokenHash: Hash;
  /** The newest agent record in the log. */
  readonly agent?: AgentRecord;
}

export function emptyEnd(): LogEnd {
  return { turnBytes: 0, tokenCount: 0, turnHash: createHash("sha256"), tokenHash: createHash("sha256") };
}

export function committedAt({ turnBytes, tokenCount, turnHash, tokenHash }: LogEnd): CommittedLogs {
  return {
    turnBytes,
    turnDigest: turnHash.copy().digest("hex"),
    tokenCount,
    tokenDigest: tokenHash.copy().digest("hex"),
  };
}

export const emptyLogs: CommittedLogs = committedAt(emptyEnd());

/** A decoded line. An entry's tokens are `count` tokens of tokens.bin, from `start`. */
export type LogLine =
  | { readonly type: "agent"; readonly agent: AgentRecord }
  | {
      readonly type: "entry";
      readonly start: number;
      readonly count: number;
      readonly tokenDigest: string;
      readonly body: JsonObject;
    };

const digestLength = 16;

/** Decodes a line without its line feed. Throws `MalformedJson` when it is not complete and valid. */
export function decodeLine(line: Buffer): LogLine {
  const text = line.subarray(digestLength + 1);
  const digest = line.toString("latin1", 0, digestLength);
  if (line[digestLength] !== 0x20 || digest !== shortDigest(text)) throw new MalformedJson("its checksum is wrong");
  const object = parseObject(text.toString("utf8"));
  if (object["agent"] !== undefined) {
    return { type: "agent", agent: decodeAgentRecord(asObject(object["agent"], "agent")) };
  }
  return {
    type: "entry",
    start: readCount(object, "start"),
    count: readCount(object, "count"),
    tokenDigest: readString(object, "tokens"),
    body: asObject(object["body"], "body"),
  };
}

function encodeLine(object: object): Buffer {
  const line = JSON.stringify(object);
  return Buffer.from(`${shortDigest(line)} ${line}\n`, "utf8");
}

export function shortDigest(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex").slice(0, digestLength);
}

/** Bytes to write at the ends of both files, and the committed state once they are written. */
export interface PendingLogs {
  readonly turnPosition: number;
  readonly turnBytes: Buffer;
  readonly tokenPosition: number;
  readonly tokenBytes: Buffer;
  readonly committed: CommittedLogs;
  readonly end: LogEnd;
}

/** Collects entries until they are committed: after a failed write they stay here for the next commit. */
export class TurnLogWriter {
  private readonly pendingTurns: Buffer[] = [];
  private numPendingBytes = 0;
  private readonly pendingTokens: Buffer[] = [];
  private numTokens: number;
  /** The newest agent record, committed or pending. */
  private agent: AgentRecord | undefined;

  /** `end`: end of the committed part. */
  constructor(private end: LogEnd) {
    this.numTokens = end.tokenCount;
    this.agent = end.agent;
  }

  get committed(): CommittedLogs {
    return committedAt(this.end);
  }

  /** Bytes of the lines that are not committed yet. */
  get pendingBytes(): number {
    return this.numPendingBytes;
  }

  append(entry: LogEntry): void {
    const bytes = tokenBytes(entry.tokens);
    const count = entry.tokens.length;
    this.pushLine({ start: this.numTokens, count, tokens: shortDigest(bytes), body: entry.body });
    this.pendingTokens.push(bytes);
    this.numTokens += count;
  }

  /** Appends the agent's record unless the newest record in the log is the same. */
  describe(agent: AgentRecord): void {
    if (this.agent !== undefined && isSameAgent(agent, this.agent)) return;
    this.pushLine({ agent });
    this.agent = agent;
  }

  /** Drops everything that was appended and not committed. */
  discardPending(): void {
    this.pendingTurns.length = 0;
    this.numPendingBytes = 0;
    this.pendingTokens.length = 0;
    this.numTokens = this.end.tokenCount;
    this.agent = this.end.agent;
  }

  pending(): PendingLogs {
    const turnBytes = Buffer.concat(this.pendingTurns);
    const tokenBytes = Buffer.concat(this.pendingTokens);
    const { turnBytes: turnPosition, tokenCount } = this.end;
    const end: LogEnd = {
      turnBytes: turnPosition + turnBytes.length,
      tokenCount: tokenCount + tokenBytes.length / 4,
      turnHash: this.end.turnHash.copy().update(turnBytes),
      tokenHash: this.end.tokenHash.copy().update(tokenBytes),
      ...(this.agent === undefined ? {} : { agent: this.agent }),
    };
    return { turnPosition, turnBytes, tokenPosition: tokenCount * 4, tokenBytes, committed: committedAt(end), end };
  }

  /** `written` is on disk and the manifest refers to it. Entries appended meanwhile stay pending. */
  markCommitted(written: PendingLogs): void {
    this.end = written.end;
    dropBytes(this.pendingTurns, written.turnBytes.length);
    dropBytes(this.pendingTokens, written.tokenBytes.length);
    this.numPendingBytes -= written.turnBytes.length;
  }

  private pushLine(object: object): void {
    const line = encodeLine(object);
    this.pendingTurns.push(line);
    this.numPendingBytes += line.length;
  }
}

/** Removes whole buffers from the front, `bytes` in total. */
function dropBytes(buffers: Buffer[], bytes: number): void {
  let left = bytes;
  let count = 0;
  for (const buffer of buffers) {
    if (buffer.length > left) break;
    left -= buffer.length;
    count += 1;
    if (left === 0) break;
  }
  buffers.splice(0, count);
}
