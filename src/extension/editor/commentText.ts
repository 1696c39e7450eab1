import type { AnswerText } from "./answerText";
import { type CommentMarks, commentLine } from "./languages";

/** Longest line of a comment, in characters, without its indentation. */
const maxLineLength = 80;

/** Turns an answer in words into comment lines above the line where it is inserted. */
export class CommentText implements AnswerText {
  readonly ended = false;
  private rest = "";

  constructor(
    private readonly indent: string,
    private readonly marks: CommentMarks,
  ) {}

  push(piece: string): string {
    const lines = (this.rest + piece).split("\n");
    this.rest = lines.pop() ?? "";
    return lines.map((line) => this.comment(line)).join("");
  }

  end(): string {
    const last = this.comment(this.rest);
    this.rest = "";
    return last;
  }

  /** Drops fences and blank lines, and comment marks that the model wrote itself. */
  private comment(line: string): string {
    const { open, close } = this.marks;
    const text = line.trim();
    if (text === "" || /^(`{3,}|~{3,})/.test(text)) return "";
    const opened = text.startsWith(open) ? text.slice(open.length).trim() : text;
    const words = close !== undefined && opened.endsWith(close) ? opened.slice(0, -close.length).trim() : opened;
    return wrapped(words, maxLineLength)
      .map((part) => `${commentLine(part, this.marks)}\n${this.indent}`)
      .join("");
  }
}

function wrapped(text: string, length: number): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/)) {
    if (line !== "" && line.length + 1 + word.length > length) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return line === "" ? lines : [...lines, line];
}
