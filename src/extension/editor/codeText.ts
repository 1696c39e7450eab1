import type { AnswerText } from "./answerText";
import { type CodeLine, CodeLines } from "./codeLines";
import { Indentation } from "./indentation";
import { commentLine, commentMarks } from "./languages";
import { leadingSpace, type Placement } from "./placement";

export interface CodeOptions {
  readonly languageId: string;
  readonly placement: Placement;
  /** One level of indentation, as the editor's options say. */
  readonly unit: string;
  /** The text before the place on its line. */
  readonly before: string;
  /** The code right above the place, whose lines models often repeat first. */
  readonly repeated?: string;
}

/** Only the code of an answer, indented for its place; sentences around code without a fence become comments. */
export class CodeText implements AnswerText {
  private readonly lines = new CodeLines();
  private indentation: Indentation;
  /** Lines that are dropped while the answer repeats them. */
  private repeated: readonly string[];
  private hasRepeated = false;
  private begun = false;

  constructor(private readonly options: CodeOptions) {
    this.indentation = new Indentation(options.placement.indent, options.unit);
    this.repeated = (options.repeated ?? "").split("\n").filter((line) => line.trim() !== "");
  }

  get ended(): boolean {
    return this.lines.ended;
  }

  push(piece: string): string {
    return this.write(this.lines.push(piece));
  }

  end(): string {
    const text = this.write(this.lines.end());
    return this.begun ? text + this.options.placement.last : text;
  }

  private write(lines: readonly CodeLine[]): string {
    return lines.map((line) => this.next(line)).join("");
  }

  private next({ kind, text }: CodeLine): string {
    const { languageId, placement, before } = this.options;
    const source = kind === "words" ? commentLine(text.trim(), commentMarks(languageId)) : text;
    if (!this.begun && (this.isRepeated(source) || source.trim() === "")) return "";
    const line = this.indentation.line(source);
    if (this.begun) return `\n${line}`;
    this.begun = true;
    if (this.hasRepeated) return `\n${line}`;
    return placement.first === "" ? withoutRepeated(line.trimStart(), before) : placement.first + line.trimStart();
  }

  /** Lines after repeated ones keep their indentation relative to those. */
  private isRepeated(line: string): boolean {
    const [next, ...others] = this.repeated;
    if (next === undefined || next.trim() !== line.trim()) return false;
    this.repeated = others;
    if (!this.hasRepeated) this.indentation = new Indentation(leadingSpace(next), this.options.unit);
    this.hasRepeated = true;
    this.indentation.line(line);
    return true;
  }
}

/** Models often repeat the text before the cursor on its line. */
function withoutRepeated(line: string, before: string): string {
  const there = before.trim();
  if (there === "" || !line.startsWith(there)) return line;
  const rest = line.slice(there.length);
  if (/\w$/.test(there) && /^\w/.test(rest)) return line;
  return /\s$/.test(before) ? rest.trimStart() : rest;
}
