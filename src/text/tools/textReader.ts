/** A place in a text that is read from its beginning to its end. */
export class TextReader {
  constructor(
    protected readonly text: string,
    public at: number,
  ) {}

  /** Takes `character`, with the white space before it. */
  takes(character: string): boolean {
    this.skipSpace();
    if (this.text.charAt(this.at) !== character) return false;
    this.at += 1;
    return true;
  }

  /** Takes what a sticky pattern finds here. */
  match(pattern: RegExp): string | undefined {
    return this.exec(pattern)?.[0];
  }

  skipSpace(): void {
    this.at = behindSpace(this.text, this.at);
  }

  protected exec(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found !== null) this.at += found[0].length;
    return found;
  }
}

/** Of `text`, what is left behind white space. */
export function behindSpace(text: string, at: number): number {
  let behind = at;
  while (isSpace(text.charCodeAt(behind))) behind += 1;
  return behind;
}

function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d) || code === 0xa0 || code === 0xfeff;
}
