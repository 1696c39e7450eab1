import { TemplateError } from "./errors";
import type { Token } from "./lexer";

/** The tokens of a template in order. */
export class TokenReader {
  private at = 0;

  constructor(private readonly tokens: readonly Token[]) {}

  /** The next token; at the end of the template an end that nothing accepts. */
  get current(): Token {
    return this.tokens[this.at] ?? { kind: "end", text: "" };
  }

  get next(): Token {
    return this.tokens[this.at + 1] ?? { kind: "end", text: "" };
  }

  get isAtEnd(): boolean {
    return this.at >= this.tokens.length;
  }

  take(): Token {
    const token = this.current;
    this.at += 1;
    return token;
  }

  is(kind: Token["kind"], ...texts: readonly string[]): boolean {
    return this.current.kind === kind && (texts.length === 0 || texts.includes(this.current.text));
  }

  skip(kind: Token["kind"], text: string): boolean {
    if (!this.is(kind, text)) return false;
    this.at += 1;
    return true;
  }

  expect(kind: Token["kind"], text?: string): Token {
    if (this.is(kind) && (text === undefined || this.current.text === text)) return this.take();
    throw new TemplateError(`expected ${text ?? kind}, got '${this.isAtEnd ? "end of template" : this.current.text}'`);
  }
}
