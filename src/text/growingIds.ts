/** A growing list of token ids. An append costs what is appended, and earlier views stay valid. */
export class GrowingIds {
  private buffer: Int32Array;
  private count: number;

  constructor(ids: Int32Array) {
    this.buffer = ids;
    this.count = ids.length;
  }

  get length(): number {
    return this.count;
  }

  /** Appends `ids` and returns a view of all ids. */
  append(ids: Int32Array): Int32Array {
    const length = this.count + ids.length;
    if (length > this.buffer.length) {
      const larger = new Int32Array(Math.max(length, 2 * this.buffer.length));
      larger.set(this.buffer.subarray(0, this.count));
      this.buffer = larger;
    }
    this.buffer.set(ids, this.count);
    this.count = length;
    return this.buffer.subarray(0, length);
  }
}
