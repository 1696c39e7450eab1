/** Keeps calls back, in order, until `until` resolves; then they go through at once. Where it rejects they are dropped. */
export class HeldBack {
  /** `undefined` once the calls go through. */
  private waiting: (() => void)[] | undefined = [];

  constructor(until: Promise<void>) {
    until.then(
      () => {
        const waiting = this.waiting ?? [];
        this.waiting = undefined;
        for (const call of waiting) call();
      },
      () => {},
    );
  }

  do(call: () => void): void {
    if (this.waiting === undefined) call();
    else this.waiting.push(call);
  }
}
