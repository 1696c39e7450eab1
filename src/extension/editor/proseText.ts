import type { AnswerText } from "./answerText";

export interface ProseOptions {
  /** Goes before the answer. */
  readonly before?: string;
  /** Stands in the document already: an answer that begins with it goes on from there, without `before`. */
  readonly repeated?: string;
}

/** Text for people goes in as it is. */
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
