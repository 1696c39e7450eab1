import type { AnswerText } from "./answerText";

export interface ProseOptions {
  /** Inserted before the answer. */
  readonly before?: string;
  /** The text before the place. An answer that repeats it is continued from there, without `before`. */
  readonly repeated?: string;
}

/** Inserts an answer unchanged. */
export class ProseText implements AnswerText {
  readonly ended = false;
  private held = "";
  private begun = false;

  constructor(private readonly options: ProseOptions = {}) {}

  push(piece: string): string {
    if (this.begun) return piece;
    this.held += piece;
    const { repeated = "" } = this.options;
    return this.held.length < repeated.length && repeated.startsWith(this.held) ? "" : this.begin();
  }

  end(): string {
    return this.begun ? "" : this.begin();
  }

  private begin(): string {
    if (this.held === "") return "";
    this.begun = true;
    const { before = "", repeated = "" } = this.options;
    const isRepeated = repeated !== "" && this.held.startsWith(repeated);
    return isRepeated ? this.held.slice(repeated.length) : before + this.held;
  }
}
