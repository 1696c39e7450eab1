/** Runs asynchronous tasks one after the other, in the order in which they were added. A failed task does not stop the rest. */
export class TaskQueue {
  private tail: Promise<void> = Promise.resolve();

  constructor(private readonly onError: (error: unknown) => void) {}

  add(task: () => Promise<void>): void {
    this.tail = this.tail.then(task).catch(this.onError);
  }
}
