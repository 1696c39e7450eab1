import {
  ByteLevelPreTokenizer,
  MetaspacePreTokenizer,
  type Normalizer,
  type PreTokenizer,
} from "@huggingface/tokenizers";
import type { Bpe } from "./bpe";
import { byteCharacters } from "./byteCharacters";
import { EncodingMemo } from "./encodingMemo";
import { IdList } from "./idList";
import { endOfUnreached, type Reach, sumOfReaches } from "./patternReach";
import { JunctionLevel, levelsOf, PieceCursor } from "./pieces";
import type { Steps } from "./steps";
import type { TokenTrie } from "./tokenTrie";

type Levels = ReturnType<typeof levelsOf>["levels"];

/** A token that is searched in the text itself, before the model encodes the rest. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly stripsLeft: boolean;
  readonly stripsRight: boolean;
}

export interface AddedTokens {
  /** Searched in the text as it is. */
  readonly exact: TokenTrie<AddedToken>;
  /** Searched in the normalised text; absent: there are none. */
  readonly normalized?: TokenTrie<AddedToken>;
}

/** Pieces between two places where the work may be interrupted. */
const piecesInStep = 256;
/**
 * Longer pieces are rarely met again. V8 copies strings up to this length, so a remembered piece keeps no long text
 * alive.
 */
const rememberedLength = 12;
const rememberedPieces = 20_000;

/**
 * A tokenizer's normaliser, pre-tokenizer and model as one interruptible pass over the text. The library's own objects
 * say where to cut and what to replace.
 */
export class Encoder {
  private readonly pieces = new Map<string, Int32Array>();
  private readonly memo: EncodingMemo;
  private readonly levels: Levels;
  private readonly rest: readonly PreTokenizer[];
  /** What changes a text before it is cut. */
  private readonly prefixes: readonly PreTokenizer[];

  constructor(
    private readonly bpe: Bpe,
    private readonly normalizer: Normalizer | null,
    preTokenizer: PreTokenizer | null,
    private readonly added: AddedTokens,
  ) {
    const whole = levelsOf(preTokenizer);
    const first = whole.rest[0];
    const isWord = whole.levels.length === 0 && first instanceof MetaspacePreTokenizer;
    this.prefixes = isWord ? whole.rest.slice(0, 1) : [];
    this.rest = whole.rest.slice(this.prefixes.length);
    // Only a whole word can be a token by itself.
    const canCutWords = this.rest.length === 0 && !bpe.ignoresMerges;
    this.levels = canCutWords
      ? [...whole.levels, new JunctionLevel((left, right) => bpe.joins(left, right))]
      : whole.levels;
    const reach = reachOf(this.levels);
    this.memo = new EncodingMemo(reach && ((text, end) => endOfUnreached(text, end, reach)));
  }

  *encode(text: string): Steps<Int32Array> {
    const { exact, normalized } = this.added;
    const sections = trimmed(exact.cut(text));
    if (sections.length === 1 && typeof sections[0] === "string" && normalized === undefined) {
      const normal = this.normal(sections[0]);
      return normal === "" ? new Int32Array(0) : yield* this.encodePlain(this.prepare(normal, 0));
    }
    const ids = new IdList();
    for (const [index, section] of sections.entries()) {
      if (typeof section !== "string") {
        ids.push(section.id);
        continue;
      }
      const normal = this.normal(section);
      for (const part of trimmed(normalized?.cut(normal) ?? [normal])) {
        if (typeof part !== "string") ids.push(part.id);
        else if (part !== "") ids.pushAll(yield* this.encodePlain(this.prepare(part, index)));
      }
    }
    return ids.toArray();
  }

  private *encodePlain(text: string): Steps<Int32Array> {
    const known = this.memo.begin(text);
    const cursor = new PieceCursor(text, this.levels, known.from);
    let pieces = 0;
    while (!cursor.atEnd && !known.isComplete) {
      yield* this.encodePiece(cursor.next(), known.ids);
      if (cursor.canBeTakenUp) known.mark(cursor.at);
      if (++pieces % piecesInStep === 0) yield;
    }
    return this.memo.end(known);
  }

  private normal(text: string): string {
    return this.normalizer === null ? text : this.normalizer.normalize(text);
  }

  private prepare(text: string, section_index: number): string {
    return this.prefixes.reduce((whole, prefix) => prefix.pre_tokenize_text(whole, { section_index }).join(""), text);
  }

  private *encodePiece(piece: string, out: IdList): Steps<void> {
    const remembered = this.pieces.get(piece);
    if (remembered !== undefined) {
      out.pushAll(remembered);
      return;
    }
    if (piece.length > rememberedLength) {
      yield* this.encodeWords(piece, out);
      return;
    }
    const ids = new IdList();
    yield* this.encodeWords(piece, ids);
    const array = ids.toArray();
    out.pushAll(array);
    const oldest = this.pieces.size < rememberedPieces ? undefined : this.pieces.keys().next().value;
    if (oldest !== undefined) this.pieces.delete(oldest);
    this.pieces.set(piece, array);
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

/** Removes white space next to a token that strips it. */
function trimmed(parts: readonly (AddedToken | string)[]): readonly (AddedToken | string)[] {
  return parts.map((part, index) => {
    if (typeof part !== "string") return part;
    const [before, after] = [parts[index - 1], parts[index + 1]];
    const from = typeof before === "object" && before.stripsRight ? part.trimStart() : part;
    return typeof after === "object" && after.stripsLeft ? from.trimEnd() : from;
  });
}

/** The reaches of levels add up: a level looks beyond the end of a piece of the level above. */
function reachOf(levels: Levels): Reach | undefined {
  const [first, ...others] = levels.map(({ reach }) => reach);
  return others.reduce(sumOfReaches, first);
}

function codePoints(text: string): Int32Array {
  return Int32Array.from(text, (character) => character.codePointAt(0) ?? 0);
}
