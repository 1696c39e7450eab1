/**
 * The two append-only files of an agent. `turns.log` holds one JSON object a line behind a digest of it; `tokens.bin`
 * holds token ids, 4 bytes each, which lines name by (start, count). How much of both is committed, with digests over
 * it, stands in the manifest: bytes beyond are a save that never finished and do not exist.
 */
import { createHash, type Hash } from "node:crypto";
import { tokenBytes, tokensFromBytes } from "./blockIdentity";
import { asObject, type JsonObject, MalformedJson, parseObject, readCount } from "./json";

export interface LogEntry {
  readonly body: JsonObject;
  readonly tokens: Int32Array;
}

/** The committed part of both files. Digests are SHA-256 in hex over exactly these bytes. */
export interface CommittedLogs {
  readonly turnBytes: number;
  readonly turnDigest: string;
  readonly tokenCount: number;
  readonly tokenDigest: string;
}

export interface LogContents {
  /** What can be trusted, oldest first. */
  readonly entries: readonly LogEntry[];
  /** Why entries may be missing at the end; absent when everything committed is there. */
  readonly damage?: string;
}

const digestLength = 16;

export const emptyLogs: CommittedLogs = {
  turnBytes: 0,
  turnDigest: createHash("sha256").digest("hex"),
  tokenCount: 0,
  tokenDigest: createHash("sha256").digest("hex"),
};

/** Reads the committed part; what is damaged inside it ends the entries there. */
export function decodeLogs(turnFile: Uint8Array, tokenFile: Uint8Array, committed: CommittedLogs): LogContents {
  const turns = Buffer.from(turnFile.subarray(0, committed.turnBytes));
  const tokens = tokenFile.subarray(0, committed.tokenCount * 4);
  const tokensIntact = digest(tokens) === committed.tokenDigest;
  const entries: LogEntry[] = [];
  let position = 0;
  while (position < turns.length) {
    const end = turns.indexOf(0x0a, position);
    if (end < 0) return { entries, damage: `turns.log ends in the middle of line ${entries.length + 1}` };
    const entry = decodeLine(turns.toString("utf8", position, end), tokens, tokensIntact);
    if (typeof entry === "string") return { entries, damage: `line ${entries.length + 1} of turns.log: ${entry}` };
    entries.push(entry);
    position = end + 1;
  }
  if (digest(turns) !== committed.turnDigest) return { entries, damage: "turns.log is not what was committed" };
  if (!tokensIntact) return { entries, damage: "tokens.bin is not what was committed" };
  return { entries };
}

/** The entry of one line, or why it is refused. Each line vouches for its tokens too, for the case that the file's digest fails. */
function decodeLine(line: string, tokens: Uint8Array, tokensIntact: boolean): LogEntry | string {
  const text = line.slice(digestLength + 1);
  if (line[digestLength] !== " " || line.slice(0, digestLength) !== shortDigest(text)) return "its checksum is wrong";
  try {
    const object = parseObject(text);
    const start = readCount(object, "start");
    const count = readCount(object, "count");
    const bytes = tokens.subarray(start * 4, (start + count) * 4);
    if (bytes.length < count * 4) return "its tokens are missing from tokens.bin";
    if (!tokensIntact && shortDigest(bytes) !== object["tokens"]) return "its tokens are damaged in tokens.bin";
    return { body: asObject(object["body"], "body"), tokens: tokensFromBytes(bytes) };
  } catch (error) {
    if (error instanceof MalformedJson) return error.message;
    throw error;
  }
}

/** Bytes to write at the ends of both files, and what is committed once they are there. */
export interface PendingLogs {
  readonly turnPosition: number;
  readonly turnBytes: Buffer;
  readonly tokenPosition: number;
  readonly tokenBytes: Buffer;
  readonly committed: CommittedLogs;
}

/** Collects entries until a commit has really happened: a failed write leaves them here for the next one. */
export class TurnLogWriter {
  private turnHash: Hash;
  private tokenHash: Hash;
  private readonly pendingTurns: Buffer[] = [];
  private readonly pendingTokens: Buffer[] = [];
  private numTokens: number;

  /** `turns` and `tokens` are the committed bytes, intact. */
  constructor(
    turns: Uint8Array,
    tokens: Uint8Array,
    private committedLogs: CommittedLogs,
  ) {
    this.turnHash = createHash("sha256").update(turns);
    this.tokenHash = createHash("sha256").update(tokens);
    this.numTokens = committedLogs.tokenCount;
  }

  get committed(): CommittedLogs {
    return this.committedLogs;
  }

  append(entry: LogEntry): void {
    const bytes = tokenBytes(entry.tokens);
    const count = entry.tokens.length;
    const line = JSON.stringify({ start: this.numTokens, count, tokens: shortDigest(bytes), body: entry.body });
    this.pendingTurns.push(Buffer.from(`${shortDigest(line)} ${line}\n`, "utf8"));
    this.pendingTokens.push(bytes);
    this.numTokens += count;
  }

  /** Takes back what was appended and not committed. */
  discardPending(): void {
    this.pendingTurns.length = 0;
    this.pendingTokens.length = 0;
    this.numTokens = this.committedLogs.tokenCount;
  }

  pending(): PendingLogs {
    const turnBytes = Buffer.concat(this.pendingTurns);
    const tokenBytes = Buffer.concat(this.pendingTokens);
    const { turnBytes: turnPosition, tokenCount } = this.committedLogs;
    return {
      turnPosition,
      turnBytes,
      tokenPosition: tokenCount * 4,
      tokenBytes,
      committed: {
        turnBytes: turnPosition + turnBytes.length,
        turnDigest: this.turnHash.copy().update(turnBytes).digest("hex"),
        tokenCount: tokenCount + tokenBytes.length / 4,
        tokenDigest: this.tokenHash.copy().update(tokenBytes).digest("hex"),
      },
    };
  }

  /** `written` is on disk and the manifest says so. Entries appended meanwhile stay pending. */
  markCommitted(written: PendingLogs): void {
    this.turnHash = this.turnHash.copy().update(written.turnBytes);
    this.tokenHash = this.tokenHash.copy().update(written.tokenBytes);
    this.committedLogs = written.committed;
    dropBytes(this.pendingTurns, written.turnBytes.length);
    dropBytes(this.pendingTokens, written.tokenBytes.length);
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

function shortDigest(data: string | Uint8Array): string {
  return digest(data).slice(0, digestLength);
}

function digest(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}
