/** A text that grows by pieces, without being copied for each of them. */
export class TextBuffer {
  private pieces: string[] = [];
  private size = 0;

  get length(): number {
    return this.size;
  }

  add(piece: string): void {
    if (piece === "") return;
    this.pieces.push(piece);
    this.size += piece.length;
  }

  /** The text from `from` on. Costs only its length. */
  tail(from: number): string {
    const pieces: string[] = [];
    let start = this.size;
    for (let index = this.pieces.length - 1; index >= 0 && start > from; index -= 1) {
      const piece = this.pieces[index] ?? "";
      start -= piece.length;
      pieces.push(start < from ? piece.slice(from - start) : piece);
    }
    return pieces.reverse().join("");
  }

  /** Costs the whole length where something was added since the last call. */
  text(): string {
    if (this.pieces.length > 1) this.pieces = [this.pieces.join("")];
    return this.pieces[0] ?? "";
  }
}
