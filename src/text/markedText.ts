/**
 * Marked text: a rendering in which the template's special-token strings are control tokens and those that came with a
 * content (user, file, answer) are not. Before each of the latter stands the escape character; a content's own escape
 * character is doubled. U+FDD0 is a noncharacter: Unicode reserves it for a program's inner use.
 */

export const escapeCharacter = "\uFDD0";

export interface SpecialToken {
  readonly id: number;
  readonly content: string;
  /** A control token proper. The others are words with a meaning (`<think>`, `<tool_call>`) that an answer may hold. */
  readonly isControl: boolean;
  /** White space before / after the token belongs to it. */
  readonly stripsLeft: boolean;
  readonly stripsRight: boolean;
}

/** A stretch of marked text: a control token, or plain text with the escapes resolved. Offsets are into the marked text. */
export type Stretch =
  | { readonly kind: "special"; readonly token: SpecialToken; readonly start: number; readonly end: number }
  | { readonly kind: "plain"; readonly text: string; readonly start: number; readonly end: number };

/** The special-token strings of a tokenizer; where several begin at one place, the longest is meant. */
export class SpecialTokens {
  private readonly byFirstUnit = new Map<string, SpecialToken[]>();

  constructor(readonly tokens: readonly SpecialToken[]) {
    for (const token of [...tokens].sort((a, b) => b.content.length - a.content.length)) {
      const first = token.content.charAt(0);
      const list = this.byFirstUnit.get(first);
      if (list === undefined) this.byFirstUnit.set(first, [token]);
      else list.push(token);
    }
  }

  /** What a person, a file or a tool said, as marked text: nothing in it is a special token. */
  escape(content: string): string {
    return this.escapeWhere(content, () => true);
  }

  /** What the model said, as marked text: no control token is in it, words with a meaning may be. */
  escapeAnswer(content: string): string {
    return this.escapeWhere(content, (token) => token.isControl);
  }

  private escapeWhere(content: string, isMeant: (token: SpecialToken) => boolean): string {
    let marked = "";
    for (let i = 0; i < content.length; i++) {
      const unit = content.charAt(i);
      const token = this.at(content, i);
      if (unit === escapeCharacter || (token !== undefined && isMeant(token))) marked += escapeCharacter;
      marked += unit;
    }
    return marked;
  }

  /** Cuts marked text at its control tokens. Empty plain stretches are left out. */
  split(marked: string): readonly Stretch[] {
    const stretches: Stretch[] = [];
    let text = "";
    let start = 0;
    const flush = (end: number) => {
      if (end > start) stretches.push({ kind: "plain", text, start, end });
      text = "";
    };
    let i = 0;
    while (i < marked.length) {
      if (marked.charAt(i) === escapeCharacter) {
        text += marked.charAt(i + 1);
        i += 2;
        continue;
      }
      const token = this.at(marked, i);
      if (token === undefined) {
        text += marked.charAt(i++);
        continue;
      }
      flush(i);
      start = i + token.content.length;
      stretches.push({ kind: "special", token, start: i, end: start });
      i = start;
    }
    flush(marked.length);
    return stretches;
  }

  private at(text: string, index: number): SpecialToken | undefined {
    return this.byFirstUnit.get(text.charAt(index))?.find((token) => text.startsWith(token.content, index));
  }
}
