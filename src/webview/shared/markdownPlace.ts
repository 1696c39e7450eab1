/** How far an answer has been read: the number of its code blocks and tables, and the headings that are open. */
export interface Place {
  /** Levels of the open headings, as written; each is deeper than the one before. */
  readonly outline: readonly number[];
  readonly codeBlocks: number;
  readonly tables: number;
}

export const startPlace: Place = { outline: [], codeBlocks: 0, tables: 0 };

/** The first level belongs to the page's own heading. */
const pageLevels = 1;

/** Gives the parts of an answer their numbers and levels, in the order in which they are read. */
export class Places {
  constructor(private place: Place) {}

  get current(): Place {
    return this.place;
  }

  /**
   * The level of a heading in the page. It is at most one deeper than that of the heading before, even if the answer
   * leaves levels out.
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
