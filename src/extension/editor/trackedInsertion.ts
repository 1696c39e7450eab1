/** One change of a document, as an editor reports it: offsets in UTF-16 units before the change. */
export interface TextChange {
  readonly rangeOffset: number;
  readonly rangeLength: number;
  readonly text: string;
}

/**
 * Where streamed text goes next, in UTF-16 units from the start of the document. It stays after the inserted
 * text and follows other edits: a change before it moves it, a change across it moves it to the end of the change.
 */
export class TrackedInsertion {
  private position: number;

  constructor(offset: number) {
    this.position = offset;
  }

  get offset(): number {
    return this.position;
  }

  /** `changes` of one event, last in the document first, as editors report them. */
  follow(changes: readonly TextChange[]): void {
    for (const { rangeOffset, rangeLength, text } of changes) {
      const end = rangeOffset + rangeLength;
      if (end <= this.position) this.position += text.length - rangeLength;
      else if (rangeOffset < this.position) this.position = rangeOffset + text.length;
    }
  }
}
