import { endOfSpaces, startOfSpaces, wordBeginsAt, wordEndsAt } from "./whiteSpace";

/** A token that is searched in a text. */
export interface FoundToken {
  readonly id: number;
  readonly content: string;
  /** White space before / after the token belongs to it. */
  readonly stripsLeft: boolean;
  readonly stripsRight: boolean;
  /** It counts only where no word ends before it or begins after it. */
  readonly isWord: boolean;
}

interface Node<T> {
  readonly next: Map<number, Node<T>>;
  token?: T;
}

/** Finds tokens in a text: the first place where one begins, and the longest token there. */
export class TokenTrie<T extends FoundToken> {
  private readonly root: Node<T> = { next: new Map() };
  /** Matches the units with which a token begins; undefined: there are no tokens. */
  private readonly firstUnit: RegExp | undefined;

  /** `also`: units at which `nextStart` is to stop, too. */
  constructor(tokens: readonly T[], also = "") {
    const first = new Set(also);
    for (const token of tokens) {
      let node = this.root;
      for (let at = 0; at < token.content.length; at += 1) {
        const unit = token.content.charCodeAt(at);
        const next = node.next.get(unit) ?? { next: new Map<number, Node<T>>() };
        node.next.set(unit, next);
        node = next;
      }
      // Of two tokens with the same content the first counts.
      node.token ??= token;
      first.add(token.content.charAt(0));
    }
    const units = [...first].map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
    this.firstUnit = units.length === 0 ? undefined : new RegExp(`[${units.join("")}]`, "g");
  }

  /** The longest token that begins at `index`. */
  at(text: string, index: number): T | undefined {
    let longest: T | undefined;
    let node = this.root.next.get(text.charCodeAt(index));
    for (let at = index + 1; node !== undefined; at += 1) {
      longest = node.token ?? longest;
      node = at < text.length ? node.next.get(text.charCodeAt(at)) : undefined;
    }
    return longest;
  }

  /** The first place from `from` on where a token may begin or one of the other units stands; −1: there is none. */
  nextStart(text: string, from: number): number {
    const { firstUnit } = this;
    if (firstUnit === undefined) return -1;
    firstUnit.lastIndex = from;
    return firstUnit.exec(text)?.index ?? -1;
  }

  /** Cuts a text at its tokens, on demand. Empty texts are left out. */
  *cut(text: string): Generator<T | string> {
    let start = 0;
    for (let at = this.nextStart(text, 0); at >= 0; ) {
      const token = this.at(text, at);
      if (token === undefined) {
        at = this.nextStart(text, at + 1);
        continue;
      }
      const end = at + token.content.length;
      if (!(token.isWord && (wordEndsAt(text, at) || wordBeginsAt(text, end)))) {
        const from = token.stripsLeft ? startOfSpaces(text, start, at) : at;
        if (from > start) yield text.slice(start, from);
        yield token;
        start = token.stripsRight ? endOfSpaces(text, end) : end;
      }
      at = this.nextStart(text, Math.max(start, end));
    }
    if (start < text.length) yield text.slice(start);
  }
}
