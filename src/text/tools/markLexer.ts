/** Cuts a text that comes in pieces at some marks. What may still become a mark is held back. */
export class MarkLexer {
  private held = "";
  private readonly pattern: RegExp;

  constructor(private readonly marks: readonly string[]) {
    this.pattern = new RegExp(`(${marks.map((mark) => mark.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|")})`);
  }

  /** Texts and marks in turn, beginning with a text. */
  push(piece: string): readonly string[] {
    const parts = (this.held + piece).split(this.pattern);
    const last = parts.pop() ?? "";
    const free = last.length - this.possibleMark(last);
    this.held = last.slice(free);
    return [...parts, last.slice(0, free)];
  }

  /** What was held back. */
  rest(): string {
    const { held } = this;
    this.held = "";
    return held;
  }

  private possibleMark(text: string): number {
    const begin = text.lastIndexOf("<");
    if (begin < 0) return 0;
    const end = text.slice(begin);
    return this.marks.some((mark) => mark.startsWith(end)) ? end.length : 0;
  }
}
