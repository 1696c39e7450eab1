import assert from "node:assert/strict";
import fc from "fast-check";
import { ResidentError } from "../../../src/common/errors";
import { runs } from "../engine/world/actions";
import { Random } from "../random";

/** The allowed errors: a ResidentError that is not INTERNAL, or one of the given classes. */
export interface Expected {
  readonly errors?: readonly (new (message?: string) => Error)[];
}

/**
 * Runs `body` with thousands of different random numbers. Asserts that it throws only allowed errors, adds no property
 * to `Object.prototype`, and allocates no buffer that is larger than `body` says the input allows.
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

/** The largest buffer that is allocated between `watch` and `stop`. */
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
