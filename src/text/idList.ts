/** A list of token ids that is built by appending. */
export class IdList {
  private ids = new Int32Array(64);
  private count = 0;

  get length(): number {
    return this.count;
  }

  push(id: number): void {
    if (this.count === this.ids.length) this.makeRoom(this.count + 1);
    this.ids[this.count++] = id;
  }

  pushAll(ids: Int32Array): void {
    if (this.count + ids.length > this.ids.length) this.makeRoom(this.count + ids.length);
    this.ids.set(ids, this.count);
    this.count += ids.length;
  }

  clear(): void {
    this.count = 0;
  }

  /** A copy of the ids. */
  toArray(): Int32Array {
    return this.ids.slice(0, this.count);
  }

  private makeRoom(length: number): void {
    const larger = new Int32Array(Math.max(length, 2 * this.ids.length));
    larger.set(this.ids.subarray(0, this.count));
    this.ids = larger;
  }
}
