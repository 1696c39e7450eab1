import { repetitionWindowTokens } from "../common/samplingRanges";
import type { PenaltyCounts, TokenId } from "./ports";

/**
 * Token counts of one answer for the penalties, updated with each token: an update costs the same however long the
 * answer is. Only tokens of the answer count: a prompt is full of names that the answer must be free to repeat.
 */
export class AnswerCounts {
  /** The newest ids are at the end of the used part; they move to the front when the buffer is full. */
  private readonly recent = new Int32Array(4 * repetitionWindowTokens);
  private numRecent = 0;
  private ids = new Int32Array(64);
  private counts = new Int32Array(64);
  private readonly places = new Map<TokenId, number>();

  add(id: TokenId): void {
    if (this.numRecent === this.recent.length) {
      this.recent.copyWithin(0, this.numRecent - repetitionWindowTokens + 1);
      this.numRecent = repetitionWindowTokens - 1;
    }
    this.recent[this.numRecent] = id;
    this.numRecent += 1;
    let place = this.places.get(id);
    if (place === undefined) {
      place = this.places.size;
      this.places.set(id, place);
      if (place === this.ids.length) [this.ids, this.counts] = [twice(this.ids), twice(this.counts)];
      this.ids[place] = id;
    }
    this.counts[place] = (this.counts[place] ?? 0) + 1;
  }

  /** Views: their contents change with the next `add`. */
  view(): PenaltyCounts {
    const distinct = this.places.size;
    return {
      recentIds: this.recent.subarray(Math.max(0, this.numRecent - repetitionWindowTokens), this.numRecent),
      ids: this.ids.subarray(0, distinct),
      counts: this.counts.subarray(0, distinct),
    };
  }
}

function twice(from: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(2 * from.length);
  larger.set(from);
  return larger;
}
