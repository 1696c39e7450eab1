/** What an agent's turn log says, line by line, and how it is read back. */
import { type Attachment, attachmentKinds, type LineRange, type PinnedFile } from "../common/attachments";
import { type ErrorInfo, errorCodes } from "../common/errors";
import type { ChatMessage, SaidToModel } from "../common/messages";
import type { DroppedCall, ToolCall } from "../common/tools";
import {
  type CacheSource,
  type FinishReason,
  type SummaryMark,
  type TurnFigures,
  type TurnId,
  type UntoldCount,
  untoldCounts,
} from "../protocol/service";
import {
  asObject,
  isObject,
  type JsonObject,
  MalformedJson,
  readCount,
  readList,
  readNumber,
  readOneOf,
  readOptionalString,
  readString,
} from "../store/json";
import type { LogEntry } from "../store/turnLog";
import type { Segment } from "../text/messages";

export type LogRecord = TurnRecord | FilesRecord;

/** The agent's pinned files from here on. `text` absent: as the file of that path had it before. */
export interface FilesRecord {
  readonly type: "files";
  readonly files: readonly (Omit<PinnedFile, "text"> & { readonly text?: string })[];
}

export type TurnRecord =
  /** The messages to answer; committed before any part of their answer is shown. */
  | {
      readonly type: "turn";
      readonly turn: TurnId;
      readonly parent?: TurnId;
      readonly input: readonly ChatMessage[];
      readonly at: number;
      /** The message is a summary that stands for earlier turns. */
      readonly summary?: SummaryMark;
    }
  | ({ readonly type: "prompt"; readonly turn: TurnId } & TurnPrompt)
  /**
   * A further part of the answer: the sampled ids, and the text that they completed. `thought`: the text before the
   * answer itself, with the marks of thinking. `raw`: what was said of the answer with its calls, where it is not `text`.
   * After an end record it means that
   * the cut answer is continued; another end record follows.
   */
  | {
      readonly type: "answer";
      readonly turn: TurnId;
      readonly thought?: string;
      readonly text: string;
      readonly raw?: string;
      readonly calls?: readonly ToolCall[];
      readonly dropped?: DroppedCall;
      readonly ids: Int32Array;
    }
  | ({ readonly type: "end"; readonly turn: TurnId } & TurnEnd);

/** The prompt that was read: the first `keep` segments of the history before the turn, then `segments`. */
export interface TurnPrompt {
  readonly keep: number;
  readonly segments: readonly Segment[];
  /** Length of all of it. */
  readonly tokens: number;
}

export type TurnEnd =
  | { readonly state: "done"; readonly finishReason: FinishReason; readonly figures: TurnFigures }
  | { readonly state: "failed"; readonly error: ErrorInfo };

const noTokens = new Int32Array(0);

export function encodeRecord(record: LogRecord): LogEntry {
  switch (record.type) {
    case "files":
      return { body: { ...record }, tokens: noTokens };
    case "prompt": {
      const segments = record.segments.map(({ kind, text, ids }) => ({ kind, text, count: ids.length }));
      return {
        body: { type: record.type, turn: record.turn, keep: record.keep, tokens: record.tokens, segments },
        tokens: joinIds(record.segments.map((segment) => segment.ids)),
      };
    }
    case "answer": {
      const { type, turn, thought, text, raw, calls, dropped, ids } = record;
      const body = {
        ...{ type, turn, ...(thought ? { thought } : {}), text },
        ...(raw === undefined ? {} : { raw }),
        ...(calls === undefined || calls.length === 0 ? {} : { calls }),
        ...(dropped === undefined ? {} : { dropped }),
      };
      return { body, tokens: ids };
    }
    case "turn": {
      const { type, turn, parent, input, at, summary } = record;
      const [only, ...others] = input;
      // As earlier versions wrote it, where they could.
      const said = only?.role === "user" && others.length === 0 ? saidAlone(only) : { input };
      const marked = summary === undefined ? {} : { summary: { ...summary } };
      return {
        body: { type, turn, ...(parent === undefined ? {} : { parent }), ...said, at, ...marked },
        tokens: noTokens,
      };
    }
    case "end":
      return { body: { ...record }, tokens: noTokens };
  }
}

function saidAlone({ content, attachments }: SaidToModel) {
  return { user: content, ...(attachments === undefined ? {} : { attachments }) };
}

/** Throws `MalformedJson` for an entry that this program never wrote. */
export function decodeRecord({ body, tokens }: LogEntry): LogRecord {
  const type = readOneOf(body, "type", ["turn", "prompt", "answer", "end", "files"]);
  if (type === "files") return { type, files: readList(body, "files").map(decodeFile) };
  const turn = readString(body, "turn");
  switch (type) {
    case "turn": {
      const parent = readOptionalString(body, "parent");
      const at = readNumber(body, "at");
      return {
        type,
        turn,
        input: decodeInput(body),
        at,
        ...(parent === undefined ? {} : { parent }),
        ...summaryIn(body),
      };
    }
    case "prompt":
      return {
        type,
        turn,
        keep: readCount(body, "keep"),
        segments: decodeSegments(readList(body, "segments"), tokens),
        tokens: readCount(body, "tokens"),
      };
    case "answer": {
      const thought = readOptionalString(body, "thought");
      const raw = readOptionalString(body, "raw");
      return {
        ...{ type, turn, ...(thought ? { thought } : {}), text: readString(body, "text"), ids: tokens },
        ...(raw === undefined ? {} : { raw }),
        ...(body["calls"] === undefined ? {} : { calls: decodeCalls(body) }),
        ...(body["dropped"] === undefined ? {} : { dropped: decodeDropped(asObject(body["dropped"], "dropped")) }),
      };
    }
    case "end":
      return { type, turn, ...decodeEnd(body) };
  }
}

function summaryIn(body: JsonObject): { readonly summary?: SummaryMark } {
  if (body["summary"] === undefined) return {};
  const summary = asObject(body["summary"], "summary");
  const leftOut = summary["leftOut"] === undefined ? {} : { leftOut: readCount(summary, "leftOut") };
  return { summary: { turns: readCount(summary, "turns"), ...leftOut } };
}

function decodeInput(body: JsonObject): readonly ChatMessage[] {
  if (body["input"] === undefined) return [decodeSaid(body, readString(body, "user"))];
  return readList(body, "input").map((item): ChatMessage => {
    const message = asObject(item, "message");
    const role = readOneOf(message, "role", ["user", "tool"]);
    const content = readString(message, "content");
    if (role === "user") return decodeSaid(message, content);
    const result = { role, content, call: readString(message, "call"), name: readString(message, "name") } as const;
    return message["failed"] === true ? { ...result, failed: true } : result;
  });
}

function decodeSaid(object: JsonObject, content: string): SaidToModel {
  if (object["attachments"] === undefined) return { role: "user", content };
  return { role: "user", content, attachments: readList(object, "attachments").map(decodeAttachment) };
}

function decodeAttachment(item: unknown): Attachment {
  const attachment = asObject(item, "attachment");
  const range = attachment["range"] === undefined ? undefined : decodeRange(asObject(attachment["range"], "range"));
  return {
    kind: readOneOf(attachment, "kind", attachmentKinds),
    path: readString(attachment, "path"),
    ...(range === undefined ? {} : { range }),
    digest: readString(attachment, "digest"),
    text: readString(attachment, "text"),
  };
}

function decodeRange(object: JsonObject): LineRange {
  return { from: readCount(object, "from"), to: readCount(object, "to") };
}

function decodeFile(item: unknown): FilesRecord["files"][number] {
  const file = asObject(item, "file");
  const text = readOptionalString(file, "text");
  return {
    ...{ path: readString(file, "path"), digest: readString(file, "digest") },
    ...(text === undefined ? {} : { text }),
  };
}

export function decodeCalls(object: JsonObject): readonly ToolCall[] {
  return readList(object, "calls").map((item): ToolCall => {
    const call = asObject(item, "call");
    return {
      id: readString(call, "id"),
      name: readString(call, "name"),
      arguments: asObject(call["arguments"], "arguments"),
    };
  });
}

function decodeDropped(object: JsonObject): DroppedCall {
  const name = readOptionalString(object, "name");
  return {
    reason: readOneOf(object, "reason", ["cut", "malformed", "unknown"]),
    ...(name === undefined ? {} : { name }),
    text: readString(object, "text"),
  };
}

function decodeSegments(list: readonly unknown[], tokens: Int32Array): readonly Segment[] {
  let position = 0;
  const segments = list.map((item): Segment => {
    const object = asObject(item, "segment");
    const count = readCount(object, "count");
    const ids = tokens.subarray(position, position + count);
    position += count;
    return { kind: readOneOf(object, "kind", ["prompt", "answer"]), text: readString(object, "text"), ids };
  });
  if (position !== tokens.length) throw new MalformedJson("its segments have other tokens than it");
  return segments;
}

function decodeEnd(body: JsonObject): TurnEnd {
  const state = readOneOf(body, "state", ["done", "failed"]);
  if (state === "failed") return { state, error: decodeError(asObject(body["error"], "error")) };
  return {
    state,
    finishReason: readOneOf(body, "finishReason", ["stop", "length", "aborted", "calls"]),
    figures: decodeFigures(asObject(body["figures"], "figures")),
  };
}

function decodeError(object: JsonObject): ErrorInfo {
  const facts: Record<string, string | number | boolean> = {};
  for (const [name, value] of Object.entries(isObject(object["facts"]) ? object["facts"] : {})) {
    if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") facts[name] = value;
  }
  return {
    code: readOneOf(object, "code", errorCodes),
    what: readString(object, "what"),
    advice: readString(object, "advice"),
    facts,
  };
}

function decodeFigures(object: JsonObject): TurnFigures {
  return {
    promptTokens: readCount(object, "promptTokens"),
    reusedTokens: readCount(object, "reusedTokens"),
    prefilledTokens: readCount(object, "prefilledTokens"),
    generatedTokens: readCount(object, "generatedTokens"),
    ...(object["guessedTokens"] === undefined ? {} : { guessedTokens: readCount(object, "guessedTokens") }),
    ...(object["recomputedTokens"] === undefined ? {} : { recomputedTokens: readCount(object, "recomputedTokens") }),
    ttftMs: readNumber(object, "ttftMs"),
    restoreMs: readNumber(object, "restoreMs"),
    ...(object["waitMs"] === undefined ? {} : { waitMs: readNumber(object, "waitMs") }),
    ...(object["modelMs"] === undefined ? {} : { modelMs: readNumber(object, "modelMs") }),
    decodeTokensPerSecond: readNumber(object, "decodeTokensPerSecond"),
    ...(object["thinking"] === undefined ? {} : { thinking: decodeThinking(asObject(object["thinking"], "thinking")) }),
    cache: decodeCache(asObject(object["cache"], "cache")),
    ...(object["by"] === "server" ? { by: "server" as const } : {}),
    ...(object["untold"] === undefined ? {} : { untold: decodeUntold(object["untold"]) }),
  };
}

function decodeUntold(value: unknown): readonly UntoldCount[] {
  return untoldCounts.filter((name) => Array.isArray(value) && value.includes(name));
}

function decodeThinking(object: JsonObject): NonNullable<TurnFigures["thinking"]> {
  return { tokens: readCount(object, "tokens"), ms: readNumber(object, "ms") };
}

function decodeCache(object: JsonObject): CacheSource {
  const tier = readOneOf(object, "tier", ["hot", "warm", "cold"]);
  if (object["refused"] === undefined) return { tier };
  const refused = asObject(object["refused"], "refused");
  return {
    tier,
    refused: {
      code: readString(refused, "code"),
      reason: readString(refused, "reason"),
      atToken: readCount(refused, "atToken"),
    },
  };
}

export function joinIds(parts: readonly Int32Array[]): Int32Array {
  const joined = new Int32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let position = 0;
  for (const part of parts) {
    joined.set(part, position);
    position += part.length;
  }
  return joined;
}
