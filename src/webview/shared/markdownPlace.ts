/** What the parts of an answer are called by: their number, and for headings the level that follows from those before. */
export interface Place {
  /** Levels, as written, of the headings that are open: each is deeper than the one before. */
  readonly outline: readonly number[];
  readonly codeBlocks: number;
  readonly tables: number;
}

export const startPlace: Place = { outline: [], codeBlocks: 0, tables: 0 };

/** The page has the only heading of the first level. */
const pageLevels = 1;

/** Counts while an answer is read from its start to its end. */
export class Places {
  constructor(private place: Place) {}

  get current(): Place {
    return this.place;
  }

  /**
   * The level that a heading has in the page. It is at most one deeper than the heading before, whatever levels the
   * answer leaves out.
   */
  heading(written: number): number {
    const outline = [...this.place.outline.filter((level) => level < written), written];
    this.place = { ...this.place, outline };
    return Math.min(6, pageLevels + outline.length);
  }

  codeBlock(): number {
    this.place = { ...this.place, codeBlocks: this.place.codeBlocks + 1 };
    return this.place.codeBlocks;
  }

  table(): number {
    this.place = { ...this.place, tables: this.place.tables + 1 };
    return this.place.tables;
  }
}
