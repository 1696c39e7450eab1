/** What a command printed: its beginning and its end, the rest counted. Memory is bounded, time is linear. */
import { TerminalText } from "./terminalText";

/** What is shown while it runs. */
const shownLength = 4000;

export class KeptOutput {
  private readonly head: string[] = [];
  private headLength = 0;
  private readonly tail: string[] = [];
  private tailLength = 0;
  private dropped = 0;
  private readonly text = new TerminalText((line) => this.add(line));

  /** `most`: UTF-16 units of the whole. A third of them is for the beginning: errors stand at the end. */
  constructor(private readonly most: number) {}

  push(data: string): void {
    this.text.push(data);
  }

  /** The last lines, for the page. */
  get end(): string {
    const lines = [...this.lines().slice(-200), this.text.rest];
    const whole = lines.join("\n").trimEnd();
    return whole.length <= shownLength ? whole : whole.slice(-shownLength);
  }

  /** All of it, or the beginning and the end around a note. Without blank lines around. */
  whole(): string {
    const rest = this.text.rest;
    const end = rest === "" ? this.tail : [...this.tail, rest];
    const note =
      this.dropped === 0
        ? []
        : [`[… ${this.dropped} lines left out; run it again through head, tail or grep to see them …]`];
    return [...this.head, ...note, ...end].join("\n").replace(/^\n+/, "").trimEnd();
  }

  private lines(): readonly string[] {
    return this.tail.length >= 200 ? this.tail : [...this.head, ...this.tail];
  }

  private add(line: string): void {
    const length = line.length + 1;
    if (this.dropped === 0 && this.tail.length === 0 && this.headLength + length <= this.most / 3) {
      this.head.push(line);
      this.headLength += length;
      return;
    }
    this.tail.push(line);
    this.tailLength += length;
    if (this.tailLength <= this.most * (4 / 3)) return;
    // Dropped in large parts: a shift for each line would move the whole list each time.
    let gone = 0;
    while (gone < this.tail.length && this.tailLength > this.most * (2 / 3)) {
      this.tailLength -= (this.tail[gone]?.length ?? 0) + 1;
      gone += 1;
    }
    this.tail.splice(0, gone);
    this.dropped += gone;
  }
}
