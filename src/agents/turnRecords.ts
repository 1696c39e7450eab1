/** What an agent's turn log says, line by line, and how it is read back. */
import { type ErrorInfo, errorCodes } from "../common/errors";
import type { CacheSource, FinishReason, TurnFigures, TurnId } from "../protocol/service";
import {
  asObject,
  isObject,
  type JsonObject,
  MalformedJson,
  readCount,
  readNumber,
  readOneOf,
  readOptionalString,
  readString,
} from "../store/json";
import type { LogEntry } from "../store/turnLog";
import type { Segment } from "../text/messages";

export type TurnRecord =
  /** The user's message; committed before any part of its answer is shown. */
  | {
      readonly type: "turn";
      readonly turn: TurnId;
      readonly parent?: TurnId;
      readonly user: string;
      readonly at: number;
    }
  | ({ readonly type: "prompt"; readonly turn: TurnId } & TurnPrompt)
  /**
   * A further part of the answer: the sampled ids, and the text that they completed. `thought`: the text before the
   * answer itself, with the marks of thinking. After an end record it means that
   * the cut answer is continued; another end record follows.
   */
  | {
      readonly type: "answer";
      readonly turn: TurnId;
      readonly thought?: string;
      readonly text: string;
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

export function encodeRecord(record: TurnRecord): LogEntry {
  switch (record.type) {
    case "prompt": {
      const segments = record.segments.map(({ kind, text, ids }) => ({ kind, text, count: ids.length }));
      return {
        body: { type: record.type, turn: record.turn, keep: record.keep, tokens: record.tokens, segments },
        tokens: joinIds(record.segments.map((segment) => segment.ids)),
      };
    }
    case "answer": {
      const { type, turn, thought, text, ids } = record;
      return { body: { type, turn, ...(thought ? { thought } : {}), text }, tokens: ids };
    }
    case "turn":
    case "end":
      return { body: { ...record }, tokens: noTokens };
  }
}

/** Throws `MalformedJson` for an entry that this program never wrote. */
export function decodeRecord({ body, tokens }: LogEntry): TurnRecord {
  const type = readOneOf(body, "type", ["turn", "prompt", "answer", "end"]);
  const turn = readString(body, "turn");
  switch (type) {
    case "turn": {
      const parent = readOptionalString(body, "parent");
      const at = readNumber(body, "at");
      return { type, turn, user: readString(body, "user"), at, ...(parent === undefined ? {} : { parent }) };
    }
    case "prompt":
      return {
        type,
        turn,
        keep: readCount(body, "keep"),
        segments: decodeSegments(body["segments"], tokens),
        tokens: readCount(body, "tokens"),
      };
    case "answer": {
      const thought = readOptionalString(body, "thought");
      return { type, turn, ...(thought ? { thought } : {}), text: readString(body, "text"), ids: tokens };
    }
    case "end":
      return { type, turn, ...decodeEnd(body) };
  }
}

function decodeSegments(value: unknown, tokens: Int32Array): readonly Segment[] {
  if (!Array.isArray(value)) throw new MalformedJson("segments is not a list");
  let position = 0;
  const segments = value.map((item: unknown): Segment => {
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
    finishReason: readOneOf(body, "finishReason", ["stop", "length", "aborted"]),
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
    ...(object["recomputedTokens"] === undefined ? {} : { recomputedTokens: readCount(object, "recomputedTokens") }),
    ttftMs: readNumber(object, "ttftMs"),
    restoreMs: readNumber(object, "restoreMs"),
    ...(object["waitMs"] === undefined ? {} : { waitMs: readNumber(object, "waitMs") }),
    ...(object["modelMs"] === undefined ? {} : { modelMs: readNumber(object, "modelMs") }),
    decodeTokensPerSecond: readNumber(object, "decodeTokensPerSecond"),
    ...(object["thinking"] === undefined ? {} : { thinking: decodeThinking(asObject(object["thinking"], "thinking")) }),
    cache: decodeCache(asObject(object["cache"], "cache")),
  };
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
