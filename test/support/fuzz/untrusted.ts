import assert from "node:assert/strict";
import fc from "fast-check";
import { ResidentError } from "../../../src/common/errors";
import { runs } from "../engine/world/actions";
import { Random } from "../random";

/** What may be thrown: an error with a code of ours, or one of the classes named. */
export interface Expected {
  readonly errors?: readonly (new (message?: string) => Error)[];
}

/**
 * Does `body` with thousands of different random numbers. Nothing comes out of it but what is expected, no object learns a
 * property that it did not have, and no buffer is asked for that is larger than `body` says the input allows.
 */
export async function fuzz(
  numRuns: number,
  body: (random: Random, allow: (bytes: number) => void) => Promise<unknown> | unknown,
  { errors = [] }: Expected = {},
): Promise<void> {
  const properties = Reflect.ownKeys(Object.prototype);
  await fc.assert(
    fc.asyncProperty(fc.nat(), async (number) => {
      const random = new Random("fuzz", number);
      const buffers = new WatchedBuffers();
      try {
        await body(random, (bytes) => buffers.watch(bytes));
      } catch (error) {
        const isTyped = error instanceof ResidentError && error.code !== "INTERNAL";
        if (!isTyped && !errors.some((known) => error instanceof known)) throw error;
      } finally {
        buffers.stop();
      }
      const { largest, allowed } = buffers;
      assert.ok(largest <= allowed, `${largest} bytes were asked for where ${allowed} are enough`);
      assert.deepEqual(Reflect.ownKeys(Object.prototype), properties);
    }),
    runs(14, numRuns),
  );
}

const makers = ["alloc", "allocUnsafe", "allocUnsafeSlow"] as const;

/** The largest buffer that is asked for from `watch` to `stop`. */
class WatchedBuffers {
  largest = 0;
  allowed = Number.POSITIVE_INFINITY;
  private readonly originals = makers.map((name) => Buffer[name]);

  watch(allowed: number): void {
    this.allowed = allowed;
    makers.forEach((name, index) => {
      const original = this.originals[index];
      Reflect.set(Buffer, name, (...args: readonly unknown[]) => {
        this.largest = Math.max(this.largest, Number(args[0]));
        return original === undefined ? undefined : Reflect.apply(original, Buffer, args);
      });
    });
  }

  stop(): void {
    makers.forEach((name, index) => {
      Reflect.set(Buffer, name, this.originals[index]);
    });
  }
}
