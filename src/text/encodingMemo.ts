import { IdList } from "./idList";

/** In characters. Shorter texts are encoded as fast as a lookup takes. */
const worthRemembering = 2000;
/** Enough for a message that is being written, and a few others. */
const mostTexts = 4;
/** Ids between two marks. */
const idsBetweenMarks = 64;

/** A place in a text. The encoding behind it does not depend on the text before it. */
interface Mark {
  readonly at: number;
  /** Number of ids before it. */
  readonly ids: number;
}

interface Remembered {
  readonly text: string;
  readonly ids: Int32Array;
  readonly marks: readonly Mark[];
}

/**
 * Remembers encodings of long texts, so that an edited text is encoded again near the edit only. The old ids are kept
 * up to the last mark that the edit cannot affect, and behind the first old mark that the new encoding meets again.
 */
export class EncodingMemo {
  private texts: readonly Remembered[] = [];

  /**
   * `unreached`: the last place in a text at which encoding can resume whatever stands from `end` on. Absent: no such
   * place is known, and nothing is remembered.
   */
  constructor(private readonly unreached: ((text: string, end: number) => number) | undefined) {}
  begin(text: string): PartialEncoding {
    const { unreached } = this;
    if (unreached === undefined || text.length < worthRemembering) return new PartialEncoding(text);
    let best: Remembered | undefined;
    let agreeing = 0;
    for (const candidate of this.texts) {
      const common = commonStart(candidate.text, text) + commonEnd(candidate.text, text);
      if (common <= agreeing) continue;
      best = candidate;
      agreeing = common;
    }
    return new PartialEncoding(text, best, unreached);
  }

  end(encoding: PartialEncoding): Int32Array {
    const done = encoding.complete();
    if (this.unreached === undefined || done.text.length < worthRemembering) return done.ids;
    const others = this.texts.filter((known) => known !== encoding.known && known.text !== done.text);
    this.texts = [done, ...others].slice(0, mostTexts);
    return done.ids;
  }
}

/** A running encoding. `known` is an earlier text with the same beginning and end. */
export class PartialEncoding {
  readonly ids = new IdList();
  /** Where encoding resumes. */
  readonly from: number;
  private readonly marks: Mark[];
  /** Index of the first old mark behind the edit that has not been passed. */
  private nextOld: number;
  private readonly shift: number;
  private metAt: number | undefined;

  constructor(
    readonly text: string,
    readonly known?: Remembered,
    unreached: (text: string, end: number) => number = () => 0,
  ) {
    const old = known?.marks ?? [];
    const start = known === undefined ? 0 : commonStart(known.text, text);
    this.marks = old.slice(0, firstMark(old, unreached(text, start)));
    const last = this.marks.at(-1);
    this.from = last?.at ?? 0;
    if (known !== undefined && last !== undefined) this.ids.pushAll(known.ids.subarray(0, last.ids));
    this.shift = known === undefined ? 0 : text.length - known.text.length;
    const end = known === undefined ? 0 : commonEnd(known.text, text);
    const sameFrom = (known?.text.length ?? 0) - end;
    this.nextOld = firstMark(old, sameFrom);
  }

  /** The rest of the ids is known. */
  get isComplete(): boolean {
    return this.metAt !== undefined;
  }

  /** Encoding can resume at `at`. */
  mark(at: number): void {
    const old = this.known?.marks ?? [];
    while ((old[this.nextOld]?.at ?? Number.POSITIVE_INFINITY) + this.shift < at) this.nextOld += 1;
    if ((old[this.nextOld]?.at ?? -1) + this.shift === at && this.nextOld < old.length) {
      this.metAt = this.nextOld;
      return;
    }
    const last = this.marks.at(-1)?.ids ?? 0;
    if (this.ids.length - last >= idsBetweenMarks) this.marks.push({ at, ids: this.ids.length });
  }

  complete(): Remembered {
    const { known, metAt } = this;
    const met = metAt === undefined ? undefined : known?.marks[metAt];
    if (known !== undefined && metAt !== undefined && met !== undefined) {
      const more = this.ids.length - met.ids;
      for (const { at, ids } of known.marks.slice(metAt)) this.marks.push({ at: at + this.shift, ids: ids + more });
      this.ids.pushAll(known.ids.subarray(met.ids));
    }
    return { text: this.text, ids: this.ids.toArray(), marks: this.marks };
  }
}

/** Index of the first mark at or behind `at`. */
function firstMark(marks: readonly Mark[], at: number): number {
  let [low, high] = [0, marks.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((marks[middle]?.at ?? 0) < at) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Length of the common beginning. Compares in long pieces, which is as fast as copying. */
function commonStart(a: string, b: string): number {
  return commonLength(a.length, b.length, (from, to) => a.slice(from, to) === b.slice(from, to));
}

function commonEnd(a: string, b: string): number {
  const equal = (from: number, to: number) =>
    a.slice(a.length - to, a.length - from) === b.slice(b.length - to, b.length - from);
  return commonLength(a.length, b.length, equal);
}

function commonLength(a: number, b: number, equal: (from: number, to: number) => boolean): number {
  const length = Math.min(a, b);
  let at = 0;
  for (let step = 4096; step >= 1; ) {
    const to = Math.min(at + step, length);
    if (to > at && equal(at, to)) at = to;
    else step >>= 1;
  }
  return at;
}
