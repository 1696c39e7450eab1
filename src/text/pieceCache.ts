/** Longer pieces are rarely met again. V8 copies strings up to this length, so a piece here keeps no long text alive. */
const longestPiece = 12;
const piecesInHalf = 10_000;

/**
 * Remembers the ids of short pieces: those that were used since the newer half was begun, and those of the half before.
 * (Dropping the oldest piece of one map at a time is slow: a map's first key is searched behind all dropped ones.)
 */
export class PieceCache {
  private newer = new Map<string, Int32Array>();
  private older: ReadonlyMap<string, Int32Array> = new Map();

  get(piece: string): Int32Array | undefined {
    const ids = this.newer.get(piece);
    if (ids !== undefined) return ids;
    const old = this.older.get(piece);
    if (old !== undefined) this.set(piece, old);
    return old;
  }

  takes(piece: string): boolean {
    return piece.length <= longestPiece;
  }

  set(piece: string, ids: Int32Array): void {
    if (this.newer.size >= piecesInHalf) {
      this.older = this.newer;
      this.newer = new Map();
    }
    this.newer.set(piece, ids);
  }
}
