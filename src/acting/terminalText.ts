/**
 * What a terminal prints, as plain lines: escapes (ECMA-48 control sequences, OSC and other strings) are left out wherever
 * the data is cut, a line that is drawn again replaces itself, a backspace takes one letter back. Time is linear and the
 * state has a bound, whatever is printed.
 */
const longestLine = 4000;
/** A control string that does not end within this many characters is none. */
const longestString = 4096;

type State = "text" | "escape" | "sequence" | "string" | "stringEscape";

export class TerminalText {
  private state: State = "text";
  private line = "";
  /** Letters of the line that were not kept. */
  private beyond = 0;
  private returned = false;
  private skipped = 0;

  constructor(private readonly onLine: (line: string) => void) {}

  /** The line that has no end yet. */
  get rest(): string {
    return shown(this.line, this.beyond);
  }

  push(data: string): void {
    let at = 0;
    while (at < data.length) {
      if (this.state === "text") at = this.pushText(data, at);
      else this.skip(data.charCodeAt(at++));
    }
  }

  /** Letters up to the next control are taken at once. */
  private pushText(data: string, start: number): number {
    let end = start;
    while (end < data.length && isLetter(data.charCodeAt(end))) end += 1;
    if (end > start) this.append(data.slice(start, end));
    if (end < data.length) this.control(data.charCodeAt(end));
    return Math.min(end + 1, data.length);
  }

  private append(text: string): void {
    if (this.returned) this.clear();
    const room = longestLine - this.line.length;
    if (text.length > room) this.beyond += text.length - room;
    if (room > 0) this.line += text.slice(0, room);
  }

  private clear(): void {
    this.line = "";
    this.beyond = 0;
    this.returned = false;
  }

  private control(code: number): void {
    switch (code) {
      case 0x0a:
        this.onLine(this.rest);
        this.clear();
        break;
      case 0x0d:
        this.returned = true;
        break;
      case 0x08:
        this.line = this.line.slice(0, -1);
        break;
      case 0x1b:
        this.state = "escape";
        break;
      case 0x9b:
        this.begin("sequence");
        break;
      case 0x90:
      case 0x98:
      case 0x9d:
      case 0x9e:
      case 0x9f:
        this.begin("string");
    }
  }

  private begin(state: State): void {
    this.state = state;
    this.skipped = 0;
  }

  private skip(code: number): void {
    this.skipped += 1;
    // CAN and SUB end whatever was begun.
    if (code === 0x18 || code === 0x1a || this.skipped > longestString) this.state = "text";
    else if (this.state === "escape") this.afterEscape(code);
    else if (this.state === "sequence") this.inSequence(code);
    else this.inString(code);
  }

  private afterEscape(code: number): void {
    if (code === 0x5b) this.begin("sequence");
    else if (code === 0x5d || code === 0x50 || code === 0x58 || code === 0x5e || code === 0x5f) this.begin("string");
    // Intermediate characters go on, such as in ESC ( B; a second escape begins anew.
    else if (code !== 0x1b && (code < 0x20 || code > 0x2f)) this.state = "text";
  }

  private inSequence(code: number): void {
    if (code === 0x1b) this.begin("escape");
    else if (code >= 0x40 && code <= 0x7e) {
      this.state = "text";
      // To a column: the line is drawn again.
      if (code === 0x47) this.returned = true;
    } else if (code === 0x0a || code === 0x0d) {
      this.state = "text";
      this.control(code);
    }
  }

  private inString(code: number): void {
    if (this.state === "stringEscape" && code !== 0x1b) {
      // ESC \ ends it; any other escape ends it too and begins another.
      this.state = "escape";
      if (code === 0x5c) this.state = "text";
      else this.afterEscape(code);
    } else if (code === 0x1b) this.state = "stringEscape";
    else if (code === 0x07 || code === 0x9c) this.state = "text";
  }
}

function isLetter(code: number): boolean {
  return code >= 0x20 ? code < 0x7f || code > 0x9f : code === 0x09;
}

function shown(line: string, beyond: number): string {
  return beyond === 0 ? line : `${line}… (${beyond} characters more)`;
}
