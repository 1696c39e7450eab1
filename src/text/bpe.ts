import { MergeTable } from "./bpeMerges";
import type { IdList } from "./idList";
import { type JsonObject, listOf, objectOf } from "./json";
import { MergeQueue } from "./mergeQueue";
import { PairSet } from "./pairSet";
import type { Steps } from "./steps";

/** Largest accepted id: lists are as long as the largest id. Vocabularies have some 100,000 tokens. */
const largestId = 0xffffff;
/** Merges between two places where the work may be interrupted. */
const mergesInStep = 2048;
/** Shorter words are merged by repeated search for the best pair, which is faster than a queue. */
const queueFrom = 24;

/**
 * Byte-pair encoding: of the neighbours in a word that can merge, the pair of the lowest rank merges first, the
 * leftmost of equals. O(n log n) for every word. (The library's own builds an object and a JSON text for every pair.)
 */
export class Bpe {
  private readonly symbols = new Map<string, number>();
  private readonly vocabulary: (string | undefined)[] = [];
  /** Texts of the symbols above the vocabulary: parts of merges that are not tokens. */
  private readonly others: string[] = [];
  /** Symbols of single characters; −1: none. Those beyond 16 bits are rare. */
  private readonly ofUnit = new Int32Array(0x10000).fill(-1);
  private readonly ofCharacter = new Map<number, number>();
  private readonly merges: MergeTable;
  /** Pairs of last and first characters of parts that merge. Nothing merges across any other pair of neighbours. */
  private readonly junctions = new PairSet();
  private readonly firstOther: number;
  private readonly longestToken: number;
  private readonly byteIds: readonly number[] | undefined;
  private readonly fusesUnknown: boolean;
  /** A character without a token has no id. */
  private readonly dropsUnknown: boolean;
  /** A character without a token has an effect on its neighbours. */
  private readonly unknownJoin: boolean;
  /** A word that is itself a token becomes that token, whatever the merges give. */
  readonly ignoresMerges: boolean;

  /**
   * `model`: that of a tokenizer.json. `unknownId` stands for a character without a token. Tokens in `removed` are left
   * out: neither a word nor a merge becomes one. Throws where the model is malformed.
   */
  constructor(
    model: JsonObject,
    private readonly unknownId: number | undefined,
    removed: ReadonlySet<string>,
  ) {
    let longest = 0;
    const vocabulary = objectOf(model["vocab"]);
    for (const token of Object.keys(vocabulary)) {
      if (removed.has(token)) continue;
      const id = vocabulary[token];
      if (typeof id !== "number" || !Number.isInteger(id) || id < 0 || id > largestId) {
        throw new Error(`the id of ${token} is not a whole number up to ${largestId}`);
      }
      this.name(token, id);
      this.vocabulary[id] = token;
      longest = Math.max(longest, token.length);
    }
    this.longestToken = longest;
    this.firstOther = this.vocabulary.length;
    const merges = listOf(model["merges"]);
    this.merges = new MergeTable(merges.length);
    for (const [rank, merge] of merges.entries()) this.addMerge(partsOf(merge), rank, removed);
    this.ignoresMerges = model["ignore_merges"] === true;
    this.fusesUnknown = model["fuse_unk"] === true;
    this.byteIds =
      model["byte_fallback"] === true ? Array.from({ length: 256 }, (_, byte) => this.idOfByte(byte)) : undefined;
    this.dropsUnknown = unknownId === undefined;
    this.unknownJoin = (this.dropsUnknown || this.fusesUnknown) && (this.byteIds?.includes(-1) ?? true);
  }

  tokenOf(id: number): string | undefined {
    return this.vocabulary[id];
  }

  idOf(token: string): number | undefined {
    const symbol = this.symbols.get(token);
    return symbol === undefined || symbol >= this.firstOther ? undefined : symbol;
  }

  /** The token that is the whole word, given as code points. */
  idOfWord(word: Int32Array): number | undefined {
    return word.length > this.longestToken ? undefined : this.idOf(String.fromCodePoint(...word));
  }

  /** Whether the ids of these two neighbours depend on each other. */
  joins(left: number, right: number): boolean {
    if (this.junctions.has(left, right)) return true;
    return this.unknownJoin && (this.symbolOfCharacter(left) < 0 || this.symbolOfCharacter(right) < 0);
  }

  /** Appends the ids of a word, given as code points. */
  *encode(word: Int32Array, out: IdList): Steps<void> {
    const symbols = new Int32Array(word.length);
    const starts = new Int32Array(word.length);
    let count = 0;
    for (let index = 0; index < word.length; index += 1) {
      const symbol = this.symbolOfCharacter(word[index] ?? 0);
      // What stands before and after a character without an id can merge.
      if (symbol < 0 && this.dropsUnknown && this.bytesOf(String.fromCodePoint(word[index] ?? 0)) === undefined)
        continue;
      symbols[count] = symbol;
      starts[count] = index;
      count += 1;
    }
    const length =
      count < queueFrom
        ? this.mergeFew(symbols, starts, count)
        : yield* this.mergeMany(symbols.subarray(0, count), starts);
    let unknownBefore = false;
    for (let index = 0; index < length; index += 1) {
      const symbol = symbols[index] ?? -1;
      const isKnown = symbol >= 0 && symbol < this.firstOther;
      if (isKnown) out.push(symbol);
      else {
        const text =
          symbol < 0 ? String.fromCodePoint(word[starts[index] ?? 0] ?? 0) : this.others[symbol - this.firstOther];
        const bytes = this.bytesOf(text ?? "");
        if (bytes !== undefined) for (const id of bytes) out.push(id);
        else {
          if (this.unknownId !== undefined && !(unknownBefore && this.fusesUnknown)) out.push(this.unknownId);
          unknownBefore = true;
          continue;
        }
      }
      unknownBefore = false;
    }
  }

  /** Merges the first `count` in place. Returns the number of symbols that are left. */
  private mergeFew(symbols: Int32Array, starts: Int32Array, count: number): number {
    let length = count;
    for (;;) {
      let best = -1;
      let bestSlot = -1;
      for (let index = 0; index + 1 < length; index += 1) {
        const slot = this.merges.find(symbols[index] ?? -1, symbols[index + 1] ?? -1);
        if (slot < 0 || (bestSlot >= 0 && this.merges.rankAt(slot) >= this.merges.rankAt(bestSlot))) continue;
        best = index;
        bestSlot = slot;
      }
      if (bestSlot < 0) return length;
      symbols[best] = this.merges.mergedAt(bestSlot);
      symbols.copyWithin(best + 1, best + 2, length);
      starts.copyWithin(best + 1, best + 2, length);
      length -= 1;
    }
  }

  /** The same with a queue of pairs over a linked list. */
  private *mergeMany(symbols: Int32Array, starts: Int32Array): Steps<number> {
    const { length } = symbols;
    const next = new Int32Array(length);
    const before = new Int32Array(length);
    const queue = new MergeQueue();
    // An entry of the queue: a pair's rank, then its place. It is stale if the place has another pair by now.
    const enqueue = (left: number, right: number) => {
      const slot = this.merges.find(symbols[left] ?? -1, symbols[right] ?? -1);
      if (slot >= 0) queue.push(this.merges.rankAt(slot) * length + left);
    };
    for (let index = 0; index < length; index += 1) {
      next[index] = index + 1;
      before[index] = index - 1;
      enqueue(index, index + 1);
      if (index % mergesInStep === 0) yield;
    }
    let merges = 0;
    for (let first = queue.pop(); first !== undefined; first = queue.pop()) {
      if (++merges % mergesInStep === 0) yield;
      const left = first % length;
      const right = next[left] ?? length;
      if (right >= length) continue;
      const slot = this.merges.find(symbols[left] ?? -1, symbols[right] ?? -1);
      if (slot < 0 || this.merges.rankAt(slot) !== Math.floor(first / length)) continue;
      symbols[left] = this.merges.mergedAt(slot);
      symbols[right] = -1;
      const behind = next[right] ?? length;
      next[left] = behind;
      if (behind < length) before[behind] = left;
      const previous = before[left] ?? -1;
      if (previous >= 0) enqueue(previous, left);
      if (behind < length) enqueue(left, behind);
    }
    let count = 0;
    for (let index = 0; index < length; index = next[index] ?? length) {
      symbols[count] = symbols[index] ?? -1;
      starts[count] = starts[index] ?? 0;
      count += 1;
    }
    return count;
  }

  private addMerge([left, right]: readonly [string, string], rank: number, removed: ReadonlySet<string>): void {
    const merged = left + right;
    if (removed.has(merged)) return;
    this.merges.set(this.symbolOf(left), this.symbolOf(right), rank, this.symbolOf(merged));
    this.junctions.add(lastCharacter(left), right.codePointAt(0) ?? 0);
  }

  private symbolOfCharacter(character: number): number {
    return this.ofUnit[character] ?? this.ofCharacter.get(character) ?? -1;
  }

  private symbolOf(text: string): number {
    const known = this.symbols.get(text);
    if (known !== undefined) return known;
    const symbol = this.firstOther + this.others.length;
    this.others.push(text);
    this.name(text, symbol);
    return symbol;
  }

  private name(text: string, symbol: number): void {
    this.symbols.set(text, symbol);
    const character = onlyCharacter(text);
    if (character === undefined) return;
    if (character < this.ofUnit.length) this.ofUnit[character] = symbol;
    else this.ofCharacter.set(character, symbol);
  }

  private idOfByte(byte: number): number {
    return this.idOf(`<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`) ?? -1;
  }

  private bytesOf(text: string): readonly number[] | undefined {
    const { byteIds } = this;
    if (byteIds === undefined) return undefined;
    const ids = Array.from(new TextEncoder().encode(text), (byte) => byteIds[byte] ?? -1);
    return ids.includes(-1) ? undefined : ids;
  }
}

function lastCharacter(text: string): number {
  const pair = text.codePointAt(text.length - 2) ?? 0;
  return pair > 0xffff ? pair : text.charCodeAt(text.length - 1);
}

/** Merges are "a b" or ["a", "b"]. */
function partsOf(merge: unknown): readonly [string, string] {
  const [left, right] = typeof merge === "string" ? merge.split(" ", 2) : listOf(merge);
  if (typeof left !== "string" || typeof right !== "string" || left === "" || right === "") {
    throw new Error(`a merge does not have two parts: ${JSON.stringify(merge)}`);
  }
  return [left, right];
}

/** The code point of a text of one character. */
function onlyCharacter(text: string): number | undefined {
  if (text.length > 2) return undefined;
  const character = text.codePointAt(0);
  return character !== undefined && text.length === (character > 0xffff ? 2 : 1) ? character : undefined;
}
