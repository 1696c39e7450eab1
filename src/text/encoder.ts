import { ByteLevelPreTokenizer, type Normalizer, type PreTokenizer } from "@huggingface/tokenizers";
import type { Bpe } from "./bpe";
import { byteCharacters } from "./byteCharacters";
import { EncodingMemo } from "./encodingMemo";
import { IdList } from "./idList";
import { endOfUnreached, type Reach, sumOfReaches } from "./patternReach";
import { PieceCache } from "./pieceCache";
import { JunctionLevel, levelsOf, PieceCursor } from "./pieces";
import type { Place } from "./place";
import type { Opening } from "./preTokenizerParts";
import { runAtOnce, type Steps } from "./steps";
import type { FoundToken, TokenTrie } from "./tokenTrie";

type Levels = ReturnType<typeof levelsOf>["levels"];

export interface AddedTokens {
  /** Searched in the text as it is. */
  readonly exact: TokenTrie<FoundToken>;
  /** Searched in the normalised text; absent: there are none. */
  readonly normalized?: TokenTrie<FoundToken>;
}

export interface EncoderParts {
  readonly bpe: Bpe;
  readonly normalizer: Normalizer | null;
  /** The same for a text in the middle of a section: nothing is put before it. */
  readonly middleNormalizer: Normalizer | null;
  readonly opening: Opening;
  readonly preTokenizer: PreTokenizer | null;
  readonly added: AddedTokens;
}

/** Pieces between two places where the work may be interrupted. */
const piecesInStep = 256;
/**
 * A tokenizer's normaliser, pre-tokenizer and model as one interruptible pass over the text. The library's own objects
 * say where to cut and what to replace.
 */
export class Encoder {
  private readonly pieces = new PieceCache();
  /** Of the piece that is encoded now, if it is a short one. */
  private readonly scratch = new IdList();
  private readonly memo: EncodingMemo;
  private readonly bpe: Bpe;
  private readonly levels: Levels;
  private readonly rest: readonly PreTokenizer[];

  constructor(private readonly parts: EncoderParts) {
    const { bpe, preTokenizer } = parts;
    const { levels, rest } = levelsOf(preTokenizer);
    this.bpe = bpe;
    this.rest = rest;
    // Only a whole word can be a token by itself.
    const canCutWords = rest.length === 0 && !bpe.ignoresMerges;
    this.levels = canCutWords ? [...levels, new JunctionLevel((left, right) => bpe.joins(left, right))] : levels;
    const reach = reachOf(this.levels);
    this.memo = new EncodingMemo(reach && ((text, end) => endOfUnreached(text, end, reach)));
  }

  *encode(text: string, place: Place): Steps<Int32Array> {
    const { exact, normalized } = this.parts.added;
    const ids = new IdList();
    let sections = 0;
    let at = place;
    for (const section of exact.cut(text)) {
      if (++sections % piecesInStep === 0) yield;
      if (typeof section === "string") {
        const normal = this.normal(section, at);
        for (const part of normalized?.cut(normal) ?? [normal]) {
          if (typeof part !== "string") ids.push(part.id);
          else if (part !== "") ids.pushAll(yield* this.encodePlain(this.parts.opening(part, at)));
          at = "section";
        }
      } else ids.push(section.id);
      at = "section";
    }
    return ids.toArray();
  }

  private *encodePlain(text: string): Steps<Int32Array> {
    const known = this.memo.begin(text);
    const cursor = new PieceCursor(text, this.levels, known.from);
    let pieces = 0;
    while (!cursor.atEnd && !known.isComplete) {
      const piece = cursor.next();
      if (piece !== "") yield* this.encodePiece(piece, known.ids);
      if (cursor.canBeTakenUp) known.mark(cursor.at);
      if (++pieces % piecesInStep === 0) yield;
    }
    return this.memo.end(known);
  }

  private normal(text: string, place: Place): string {
    const { normalizer, middleNormalizer } = this.parts;
    return (place === "middle" ? middleNormalizer : normalizer)?.normalize(text) ?? text;
  }

  private *encodePiece(piece: string, out: IdList): Steps<void> {
    const remembered = this.pieces.get(piece);
    if (remembered !== undefined) {
      out.pushAll(remembered);
      return;
    }
    if (!this.pieces.takes(piece)) {
      yield* this.encodeWords(piece, out);
      return;
    }
    this.scratch.clear();
    runAtOnce(this.encodeWords(piece, this.scratch));
    const ids = this.scratch.toArray();
    out.pushAll(ids);
    this.pieces.set(piece, ids);
  }

  private *encodeWords(piece: string, out: IdList): Steps<void> {
    const [only, ...others] = this.rest;
    if (only instanceof ByteLevelPreTokenizer && others.length === 0 && !only.use_regex && !only.add_prefix_space) {
      yield* this.encodeWord(byteCharacters(piece), out);
      return;
    }
    const words = this.rest.reduce((cut, part) => part.pre_tokenize(cut, { section_index: 0 }), [piece]);
    for (const word of words) yield* this.encodeWord(codePoints(word), out);
  }

  private *encodeWord(word: Int32Array, out: IdList): Steps<void> {
    const id = this.bpe.ignoresMerges ? this.bpe.idOfWord(word) : undefined;
    if (id === undefined) yield* this.bpe.encode(word, out);
    else out.push(id);
  }
}

/** The reaches of levels add up: a level looks beyond the end of a piece of the level above. */
function reachOf(levels: Levels): Reach | undefined {
  const [first, ...others] = levels.map(({ reach }) => reach);
  return others.reduce(sumOfReaches, first);
}

function codePoints(text: string): Int32Array {
  const points = new Int32Array(text.length);
  let count = 0;
  for (let at = 0; at < text.length; count += 1) {
    const point = text.codePointAt(at) ?? 0;
    points[count] = point;
    at += point > 0xffff ? 2 : 1;
  }
  return points.subarray(0, count);
}
