/** Finds where the brackets that a text opens are closed, while it comes in pieces. Brackets in strings do not count. */
export class BracketScanner {
  private depth = 0;
  private quote = "";
  private escaped = false;

  constructor(private readonly quotes: string) {}

  get isInString(): boolean {
    return this.quote !== "";
  }

  /** Behind the bracket in `piece`, from `from`, that closes the last open one. `undefined`: none does. */
  push(piece: string, from = 0): number | undefined {
    for (let at = from; at < piece.length; at += 1) {
      const character = piece.charAt(at);
      if (this.quote !== "") {
        if (this.escaped) this.escaped = false;
        else if (character === "\\") this.escaped = true;
        else if (character === this.quote) this.quote = "";
      } else if (this.quotes.includes(character)) {
        if (this.depth > 0) this.quote = character;
      } else if (character === "{" || character === "[" || character === "(") {
        this.depth += 1;
      } else if ((character === "}" || character === "]" || character === ")") && this.depth > 0) {
        this.depth -= 1;
        if (this.depth === 0) return at + 1;
      }
    }
    return undefined;
  }
}
