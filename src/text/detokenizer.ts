/** What decoding needs of a tokenizer. */
export interface TokenTexts {
  bytesOf(id: number): Uint8Array;
  readonly dropsFirstSpace: boolean;
}

/**
 * Decodes ids one by one. An incomplete character is held back. The pieces and `finish()` together are exactly the
 * decoding of all ids at once.
 */
export class Detokenizer {
  private readonly decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  private atStart = true;

  constructor(private readonly tokens: TokenTexts) {}

  push(id: number): string {
    return this.dropFirstSpace(this.decoder.decode(this.tokens.bytesOf(id), { stream: true }));
  }

  /** The rest: U+FFFD for the bytes of an incomplete character. */
  finish(): string {
    return this.dropFirstSpace(this.decoder.decode());
  }

  private dropFirstSpace(text: string): string {
    if (!this.atStart || text === "") return text;
    this.atStart = false;
    return this.tokens.dropsFirstSpace && text.startsWith(" ") ? text.slice(1) : text;
  }
}
