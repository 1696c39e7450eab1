import { readFileSync } from "node:fs";
import path from "node:path";
import type { ToolCall, ToolSpec } from "../../../src/common/tools";
import { closers, openers, type ToolFormat, type ToolFormatName, toolFormats } from "../../../src/text/tools/formats";
import type { DroppedCall, Parsed } from "../../../src/text/tools/parser";
import { ToolCallParser } from "../../../src/text/tools/parser";

/** A text that a model wrote, and what has to come of it. */
export interface Recorded {
  readonly what: string;
  readonly text: string;
  readonly calls: readonly Pick<ToolCall, "name" | "arguments">[];
  readonly shown: string;
  readonly dropped?: Pick<DroppedCall, "reason" | "name">;
  /** Absent: the same comes of it where a vocabulary has tokens for the marks, but the model spelt them. */
  readonly spelt?: false;
  /** It means something only where the marks are tokens. */
  readonly tokensOnly?: true;
}

export interface RecordedFormat {
  readonly format: ToolFormatName;
  readonly rows: readonly Recorded[];
  /** Texts that were cut. */
  readonly cut: readonly Recorded[];
}

const folder = path.resolve("test/fixtures/text/tools");
const read = (name: string) => JSON.parse(readFileSync(path.join(folder, `${name}.json`), "utf8"));

export const recordedTools: readonly ToolSpec[] = read("tools");
export const recordedFormats: readonly RecordedFormat[] = Object.keys(toolFormats).map(read);

/** "tokens": the marks are tokens of the vocabulary. "texts": it has none. "spelt": it has, but the model did not use them. */
export const vocabularies = ["tokens", "texts", "spelt"] as const;
export type Vocabulary = (typeof vocabularies)[number];

export interface Piece {
  readonly id?: number;
  readonly text: string;
}

/** All marks of a format, as a tokenizer has them. Their ids count from 1. */
export function marksOf(format: ToolFormat): readonly string[] {
  const inner =
    format.shape === "harmony"
      ? [format.start, format.channel, format.constrain.trim(), format.message, format.end]
      : format.shape === "taggedJson"
        ? [format.behindName, format.callId]
        : format.shape === "gemma"
          ? [format.quote]
          : [];
  return [...openers(format), ...closers(format), ...format.ends, ...inner].filter((mark) => mark !== "");
}

/** The text as a tokenizer would give it: its marks alone, the rest as it is. */
export function piecesOf(format: ToolFormat, text: string, vocabulary: Vocabulary): readonly Piece[] {
  const marks = marksOf(format);
  if (vocabulary !== "tokens") return [{ text }];
  const pattern = new RegExp(`(${marks.map((mark) => mark.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|")})`);
  return text
    .split(pattern)
    .filter((part) => part !== "")
    .map((part) => (marks.includes(part) ? { id: 1 + marks.indexOf(part), text: part } : { text: part }));
}

/** Every way to cut one of the pieces in two, and all of them cut everywhere. Tokens stay whole. */
export function* splits(pieces: readonly Piece[]): Generator<readonly Piece[]> {
  yield pieces;
  yield pieces.flatMap((piece) => {
    return piece.id === undefined
      ? Array.from({ length: piece.text.length }, (_, at) => ({ text: piece.text.charAt(at) }))
      : [piece];
  });
  for (const [index, piece] of pieces.entries()) {
    if (piece.id !== undefined) continue;
    for (let at = 1; at < piece.text.length; at += 1) {
      const halves = [{ text: piece.text.slice(0, at) }, { text: piece.text.slice(at) }];
      yield [...pieces.slice(0, index), ...halves, ...pieces.slice(index + 1)];
    }
  }
}

export interface Heard {
  readonly shown: string;
  readonly raw: string;
  readonly calls: readonly Pick<ToolCall, "name" | "arguments">[];
  readonly dropped: readonly DroppedCall[];
}

/** What a parser makes of pieces. */
export function heard(
  format: ToolFormat,
  pieces: readonly Piece[],
  vocabulary: Vocabulary = "tokens",
  isCut = false,
  tools: readonly ToolSpec[] = recordedTools,
): Heard {
  const marks = marksOf(format);
  const idOf = (mark: string) =>
    vocabulary === "texts" || !marks.includes(mark) ? undefined : 1 + marks.indexOf(mark);
  let made = 0;
  const newId = () => `id${++made}`;
  const parser = new ToolCallParser({ format, tools, idOf, newId });
  const parsed: Parsed[] = [...pieces.map(({ id, text }) => parser.push(id, text)), parser.finish(isCut)];
  const parts = parsed.flatMap((step) => step.parts);
  return {
    shown: parsed.map(({ text }) => text).join(""),
    raw: parts.map(({ raw }) => raw).join(""),
    calls: parsed.flatMap(({ calls }) => calls.map(({ name, arguments: given }) => ({ name, arguments: given }))),
    dropped: parts.flatMap(({ dropped }) => dropped ?? []),
  };
}
