/** What a piece of text added. */
export interface SplitText {
  readonly thought: string;
  readonly text: string;
}

const marks: readonly (readonly [string, string])[] = [
  ["<think>", "</think>"],
  ["<thinking>", "</thinking>"],
  ["<seed:think>", "</seed:think>"],
  ["[THINK]", "[/THINK]"],
];
const longestOpener = Math.max(...marks.map(([opener]) => opener.length));

/**
 * Splits the text of a server that leaves a thought in it. Only a thought at the very beginning counts: a later mark is
 * text. It waits for at most a mark's length before it gives text on.
 */
export class InlineThought {
  private state: "start" | "thought" | "gap" | "answer";
  private held = "";
  private closer = "";
  private hasThought = false;

  /** `isAnswer`: the text continues an answer, so nothing in it is a thought. */
  constructor(isAnswer: boolean) {
    this.state = isAnswer ? "answer" : "start";
  }

  push(piece: string): SplitText {
    let thought = "";
    if (this.state === "answer") return { thought, text: piece };
    this.held += piece;
    if (this.state === "start") this.findOpener();
    if (this.state === "thought") thought = this.takeThought();
    return { thought, text: this.takeAnswer() };
  }

  /** What was held back. */
  finish(): SplitText {
    const { held, state } = this;
    this.held = "";
    if (state === "gap") return { thought: "", text: "" };
    return state === "thought" ? { thought: held, text: "" } : { thought: "", text: held };
  }

  private findOpener(): void {
    const said = this.held.trimStart();
    // White space before a mark belongs to nothing; it must not grow for ever.
    if (said === "" && this.held.length < 1000) return;
    const found = marks.find(([opener]) => said.startsWith(opener));
    if (found !== undefined) {
      [, this.closer] = found;
      this.held = said.slice(found[0].length);
      this.state = "thought";
      return;
    }
    const mayOpen = said.length < longestOpener && marks.some(([opener]) => opener.startsWith(said));
    if (!mayOpen) this.state = "answer";
  }

  private takeThought(): string {
    // The white space behind the opener belongs to the mark.
    if (!this.hasThought) this.held = this.held.trimStart();
    const { held, closer } = this;
    this.hasThought ||= held !== "";
    const end = held.indexOf(closer);
    if (end >= 0) {
      this.state = "gap";
      this.held = held.slice(end + closer.length);
      return held.slice(0, end);
    }
    const kept = beginningOf(closer, held);
    this.held = held.slice(held.length - kept);
    return held.slice(0, held.length - kept);
  }

  private takeAnswer(): string {
    if (this.state === "gap") {
      this.held = this.held.trimStart();
      if (this.held === "") return "";
      this.state = "answer";
    }
    if (this.state !== "answer") return "";
    const text = this.held;
    this.held = "";
    return text;
  }
}

/** Length of the longest beginning of `mark` that `text` ends with. */
function beginningOf(mark: string, text: string): number {
  for (let length = Math.min(mark.length - 1, text.length); length > 0; length--) {
    if (text.endsWith(mark.slice(0, length))) return length;
  }
  return 0;
}
