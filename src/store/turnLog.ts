/**
 * The two append-only files of an agent. `turns.log` holds one JSON object a line behind a digest of it: entries, and
 * who the agent is, whenever that has changed. `tokens.bin` holds the entries' token ids, 4 bytes each, one entry's
 * behind the other's. How much of both is committed, with digests over it, stands in the manifest: bytes beyond are a
 * save that never finished and do not exist.
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

/** Where both files end, and their digests in the making. */
export interface LogEnd {
  readonly turnBytes: number;
  readonly tokenCount: number;
  readonly turnHash: Hash;
  readonly tokenHash: Hash;
  /** Who the agent is, as the log said last. */
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

/** What a line says. An entry's tokens are the next `count` of tokens.bin, from `start`. */
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

/** Throws `MalformedJson` on anything else than a whole line, without its line feed. */
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

/** Bytes to write at the ends of both files, and what is committed once they are there. */
export interface PendingLogs {
  readonly turnPosition: number;
  readonly turnBytes: Buffer;
  readonly tokenPosition: number;
  readonly tokenBytes: Buffer;
  readonly committed: CommittedLogs;
  readonly end: LogEnd;
}

/** Collects entries until a commit has really happened: a failed write leaves them here for the next one. */
export class TurnLogWriter {
  private readonly pendingTurns: Buffer[] = [];
  private numPendingBytes = 0;
  private readonly pendingTokens: Buffer[] = [];
  private numTokens: number;
  /** Who the agent is, as the last line about it says, be it committed or pending. */
  private agent: AgentRecord | undefined;

  /** `end`: of what is committed. */
  constructor(private end: LogEnd) {
    this.numTokens = end.tokenCount;
    this.agent = end.agent;
  }

  get committed(): CommittedLogs {
    return committedAt(this.end);
  }

  /** Bytes of lines that were not committed yet. */
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

  /** Says who the agent is, unless the log's last word on that is the same. */
  describe(agent: AgentRecord): void {
    if (this.agent !== undefined && isSameAgent(agent, this.agent)) return;
    this.pushLine({ agent });
    this.agent = agent;
  }

  /** Takes back what was appended and not committed. */
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

  /** `written` is on disk and the manifest says so. Entries appended meanwhile stay pending. */
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

/** Removes whole buffers from the front, `bytes` in all. */
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
