/** A binary heap of numbers, the least first. */
export class MergeQueue {
  private heap = new Float64Array(64);
  private count = 0;

  push(value: number): void {
    if (this.count === this.heap.length) {
      const larger = new Float64Array(2 * this.heap.length);
      larger.set(this.heap);
      this.heap = larger;
    }
    const { heap } = this;
    let at = this.count++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] ?? 0;
      if (above <= value) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = value;
  }

  pop(): number | undefined {
    if (this.count === 0) return undefined;
    const { heap } = this;
    const least = heap[0];
    this.count -= 1;
    const last = heap[this.count] ?? 0;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.count) break;
      if (child + 1 < this.count && (heap[child + 1] ?? 0) < (heap[child] ?? 0)) child += 1;
      const below = heap[child] ?? 0;
      if (last <= below) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
    return least;
  }
}
