/**
 * Marked text: a rendering in which the template's special-token strings are control tokens and those in contents
 * (user, file, answer) are not. The latter have the escape character before them; a content's own escape character is
 * doubled. U+FDD0 is a noncharacter: Unicode reserves it for internal use by programs.
 */

import type { Place } from "./place";
import { runAtOnce, type Steps } from "./steps";
import { type FoundToken, TokenTrie } from "./tokenTrie";
import { wordBeginsAt, wordEndsAt } from "./whiteSpace";

export const escapeCharacter = "\uFDD0";

/** Some hundred microseconds of work. */
const lookUpsInStep = 5000;

export interface SpecialToken extends FoundToken {
  /** A control token proper. The others are words with a meaning (`<think>`, `<tool_call>`) that an answer may hold. */
  readonly isControl: boolean;
  /**
   * The token is searched in the normalised text, in which it has a space symbol before it: it counts only behind a
   * space, which it takes, or where a section begins.
   */
  readonly takesSpace: boolean;
}

/**
 * A stretch of marked text: a control token, or plain text with the escapes resolved. Offsets are into the marked text.
 */
export type Stretch =
  | { readonly kind: "special"; readonly token: SpecialToken; readonly start: number; readonly end: number }
  | { readonly kind: "plain"; readonly text: string; readonly start: number; readonly end: number };

/**
 * The special-token strings of a tokenizer; where several begin at one place, the longest is meant. All is linear in
 * the text.
 */
export class SpecialTokens {
  private readonly trie: TokenTrie<SpecialToken>;

  /** Length of the longest string. */
  readonly longest: number;

  constructor(readonly tokens: readonly SpecialToken[]) {
    this.trie = new TokenTrie(tokens, escapeCharacter);
    this.longest = tokens.reduce((longest, { content }) => Math.max(longest, content.length), 1);
  }

  /** A content as marked text: nothing in it is one of the tokens that `isMeant` chooses. */
  escape(content: string, isMeant?: (token: SpecialToken) => boolean): string {
    return runAtOnce(this.escapeSteps(content, isMeant));
  }

  /** As `escape`, interruptible. */
  *escapeSteps(content: string, isMeant: (token: SpecialToken) => boolean = () => true): Steps<string> {
    const parts: string[] = [];
    let copied = 0;
    let worked = 0;
    for (let at = this.trie.nextStart(content, 0); at >= 0; at = this.trie.nextStart(content, at + 1)) {
      const token = this.trie.at(content, at);
      worked += 1;
      if (worked % lookUpsInStep === 0) yield;
      if (content.charAt(at) !== escapeCharacter && !(token !== undefined && isMeant(token))) continue;
      parts.push(content.slice(copied, at), escapeCharacter);
      copied = at;
    }
    return copied === 0 && parts.length === 0 ? content : parts.join("") + content.slice(copied);
  }

  /** Marked text without its escapes. */
  plain(marked: string): string {
    return this.split(marked)
      .map((stretch) => (stretch.kind === "special" ? stretch.token.content : stretch.text))
      .join("");
  }

  /**
   * Cuts marked text at its control tokens, from `from`, where a stretch begins. Empty plain stretches are left out.
   */
  split(marked: string, from = 0, place: Place = "start"): readonly Stretch[] {
    const stretches: Stretch[] = [];
    let parts: string[] = [];
    let start = from;
    let copied = from;
    let sectionStart = place === "middle" ? -1 : from;
    const flush = (end: number) => {
      if (end > copied) parts.push(marked.slice(copied, end));
      if (parts.length > 0) stretches.push({ kind: "plain", text: parts.join(""), start, end });
      parts = [];
    };
    for (let at = this.trie.nextStart(marked, from); at >= 0; ) {
      if (marked.charAt(at) === escapeCharacter) {
        parts.push(marked.slice(copied, at), marked.charAt(at + 1));
        copied = Math.min(at + 2, marked.length);
        at = this.trie.nextStart(marked, copied);
        continue;
      }
      const token = this.trie.at(marked, at);
      if (token === undefined) {
        at = this.trie.nextStart(marked, at + 1);
        continue;
      }
      const end = at + token.content.length;
      const takesSpace = token.takesSpace && at > copied && isSpace(marked.charAt(at - 1));
      const first = takesSpace ? at - 1 : at;
      if (!isAlone(token, marked, first, end) || (token.takesSpace && !takesSpace && at !== sectionStart)) {
        at = this.trie.nextStart(marked, end);
        continue;
      }
      flush(first);
      stretches.push({ kind: "special", token, start: first, end });
      start = end;
      copied = end;
      sectionStart = token.takesSpace ? -1 : end;
      at = this.trie.nextStart(marked, end);
    }
    flush(marked.length);
    return stretches;
  }
}

function isAlone(token: SpecialToken, marked: string, start: number, end: number): boolean {
  if (!token.isWord) return true;
  const behind = marked.charAt(end) === escapeCharacter ? end + 1 : end;
  return !wordEndsAt(marked, start) && !wordBeginsAt(marked, behind);
}

function isSpace(character: string): boolean {
  return character === " " || character === "▁";
}
