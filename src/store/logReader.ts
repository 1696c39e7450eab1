/** Reads an agent's two logs in one pass, in slices, up to the first line that cannot be trusted. */
import type { Hash } from "node:crypto";
import type { AgentRecord } from "./agentRecord";
import { tokensFromBytes } from "./blockIdentity";
import type { CommittedLogs } from "./committedLogs";
import { type JsonObject, MalformedJson } from "./json";
import { Slices } from "./slices";
import { committedAt, decodeLine, emptyEnd, type LogEnd, type LogEntry, type LogLine, shortDigest } from "./turnLog";
import type { ByteSource } from "./untrustedFile";

/** From where on and why the logs cannot be trusted. */
export interface LogDamage {
  readonly reason: string;
  /** Number of the line, from 1, and the byte of turns.log where it begins. */
  readonly line: number;
  readonly byte: number;
}

export interface LogContents {
  /** The trusted entries, oldest first. */
  readonly entries: readonly LogEntry[];
  /** Why entries may be missing at the end; absent when all committed entries are there. */
  readonly damage?: LogDamage;
}

export interface ReadLogs extends LogContents {
  /** State after the last trusted line. */
  readonly end: LogEnd;
  /** All agent records in the log, oldest first. */
  readonly agents: readonly AgentRecord[];
  /** The first line is damaged and was skipped: `end` and its digests do not match the file. */
  readonly isFirstSkipped: boolean;
}

export interface ReadOptions {
  /** The committed part; absent: every whole line counts, since nothing else is known without a manifest. */
  readonly committed?: CommittedLogs;
  /** Continues after a damaged first line. That line held the agent's record, so the entries can be read without it. */
  readonly skipFirst?: boolean;
}

export async function readLogs(turns: ByteSource, tokens: ByteSource, options: ReadOptions = {}): Promise<ReadLogs> {
  const { committed, skipFirst = false } = options;
  const turnLimit = Math.min(committed?.turnBytes ?? turns.bytes, turns.bytes);
  const tokenLimit = Math.min(committed?.tokenCount ?? Number.MAX_SAFE_INTEGER, Math.floor(tokens.bytes / 4));
  const reader = new TokenReader(tokens, tokenLimit);
  const { turnHash, tokenHash } = emptyEnd();
  const entries: LogEntry[] = [];
  const agents: AgentRecord[] = [];
  let line = 0;
  let position = 0;
  let isFirstSkipped = false;
  let reason: string | undefined;
  for await (const { bytes, isWhole } of linesOf(turns, 0, turnLimit)) {
    line += 1;
    const decoded = isWhole ? decoding(bytes) : "it ends in the middle";
    if (typeof decoded === "string" && skipFirst && isWhole && line === 1) {
      isFirstSkipped = true;
    } else if (typeof decoded === "string") {
      reason = decoded;
    } else if (decoded.type === "agent") {
      agents.push(decoded.agent);
    } else {
      const ids = await reader.next(decoded.start, decoded.count, decoded.tokenDigest, tokenHash);
      if (typeof ids === "string") reason = ids;
      else entries.push({ body: decoded.body, tokens: ids });
    }
    if (reason !== undefined) break;
    if (!isFirstSkipped || line > 1) turnHash.update(bytes).update("\n");
    position += bytes.length + 1;
  }
  const agent = agents.at(-1);
  const end = {
    turnBytes: position,
    tokenCount: reader.position,
    turnHash,
    tokenHash,
    ...(agent === undefined ? {} : { agent }),
  };
  const read = { entries, end, agents, isFirstSkipped };
  if (reason !== undefined)
    return { ...read, damage: { reason: `line ${line} of turns.log: ${reason}`, line, byte: position } };
  const wrong = committed && differenceOf(end, committed);
  return wrong === undefined ? read : { ...read, damage: { reason: wrong, line: line + 1, byte: position } };
}

/** Reads the lines after the damage, to report what is lost; `undefined` for a line that cannot be read. */
export async function readLost(turns: ByteSource, { byte }: LogDamage): Promise<readonly (JsonObject | undefined)[]> {
  const lost: (JsonObject | undefined)[] = [];
  for await (const { bytes } of linesOf(turns, byte, turns.bytes)) {
    const decoded = decoding(bytes);
    lost.push(typeof decoded === "object" && decoded.type === "entry" ? decoded.body : undefined);
  }
  return lost;
}

function differenceOf(end: LogEnd, committed: CommittedLogs): string | undefined {
  const found = committedAt(end);
  if (found.turnBytes < committed.turnBytes) return "turns.log is shorter than what was committed";
  if (found.turnDigest !== committed.turnDigest) return "turns.log differs from what was committed";
  if (found.tokenCount < committed.tokenCount) return "tokens.bin is shorter than what was committed";
  return found.tokenDigest === committed.tokenDigest ? undefined : "tokens.bin differs from what was committed";
}

/** The line, or why it is refused. */
function decoding(bytes: Buffer): LogLine | string {
  try {
    return decodeLine(bytes);
  } catch (error) {
    if (error instanceof MalformedJson) return error.message;
    throw error;
  }
}

interface Line {
  /** Without the line feed. */
  readonly bytes: Buffer;
  readonly isWhole: boolean;
}

const chunkBytes = 128 * 1024;

/** No line that this program writes is as long: a message is far shorter. */
const maxLineBytes = 256 * 1024 * 1024;

async function* linesOf(source: ByteSource, from: number, to: number): AsyncGenerator<Line> {
  const slices = new Slices();
  let begun: Buffer[] = [];
  let begunBytes = 0;
  for (let position = from; position < to; position += chunkBytes) {
    const chunk = await source.read(position, Math.min(chunkBytes, to - position));
    let start = 0;
    for (let end = chunk.indexOf(lineFeed); end >= 0; end = chunk.indexOf(lineFeed, start)) {
      const rest = chunk.subarray(start, end);
      yield { bytes: begun.length === 0 ? rest : Buffer.concat([...begun, rest]), isWhole: true };
      begun = [];
      begunBytes = 0;
      start = end + 1;
      const pause = slices.pause();
      if (pause !== undefined) await pause;
    }
    if (start < chunk.length) begun.push(chunk.subarray(start));
    begunBytes += chunk.length - start;
    if (begunBytes <= maxLineBytes) continue;
    // Nobody needs what it holds.
    yield { bytes: Buffer.alloc(0), isWhole: false };
    return;
  }
  if (begun.length > 0) yield { bytes: Buffer.concat(begun), isWhole: false };
}

const lineFeed = 0x0a;

const maxEntryTokens = 64 * 1024 * 1024;

/** Reads token ids in the order of the lines that refer to them. Lines share no ids, so each id is read once. */
class TokenReader {
  /** In tokens. */
  position = 0;
  private chunk: Buffer = Buffer.alloc(0);
  private chunkStart = 0;

  constructor(
    private readonly source: ByteSource,
    private readonly limit: number,
  ) {}

  /** The ids, or why they are refused. */
  async next(start: number, count: number, digest: string, hash: Hash): Promise<Int32Array | string> {
    if (start !== this.position) return "its tokens do not follow those of the line before";
    if (count > maxEntryTokens) return "it refers to more tokens than any context has";
    if (start + count > this.limit) return "its tokens are missing from tokens.bin";
    const bytes = await this.bytesAt(start * 4, count * 4);
    if (shortDigest(bytes) !== digest) return "its tokens are damaged in tokens.bin";
    hash.update(bytes);
    this.position += count;
    return tokensFromBytes(bytes);
  }

  private async bytesAt(position: number, length: number): Promise<Buffer> {
    const offset = position - this.chunkStart;
    if (offset + length > this.chunk.length) {
      const ahead = Math.min(Math.max(length, chunkBytes), this.limit * 4 - position);
      this.chunk = await this.source.read(position, ahead);
      this.chunkStart = position;
    }
    return this.chunk.subarray(position - this.chunkStart, position - this.chunkStart + length);
  }
}
