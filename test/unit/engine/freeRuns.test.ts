import assert from "node:assert/strict";
import fc from "fast-check";
import { FreeRuns } from "../../../src/engine/freeRuns";

function ids({ start, count }: { readonly start: number; readonly count: number }): number[] {
  return Array.from({ length: count }, (_, index) => start + index);
}

describe("FreeRuns", () => {
  it("joins returned blocks with their neighbours on both sides", () => {
    const free = new FreeRuns(8);
    free.take(8);
    for (const block of [2, 4, 3]) free.add(block);
    assert.deepEqual([...free.runs()], [{ start: 2, count: 3 }]);
    free.assertInvariants();
  });

  it("extends a table with the blocks that follow it, as far as they are free", () => {
    const free = new FreeRuns(10);
    free.take(10);
    for (const block of [3, 4, 5]) free.add(block);
    assert.deepEqual(free.takeAt(3, 2), { start: 3, count: 2 });
    assert.deepEqual(free.takeAt(5, 2), { start: 5, count: 1 });
    assert.equal(free.takeAt(6, 2).count, 0);
    assert.equal(free.takeAt(10, 2).count, 0);
  });

  it("leaves room on both sides of a new table", () => {
    const free = new FreeRuns(100);
    assert.deepEqual(free.take(10), { start: 0, count: 10 });
    assert.deepEqual(free.take(10), { start: 50, count: 10 });
    assert.equal(free.takeAt(10, 40).count, 40);
    assert.equal(free.takeAt(60, 40).count, 40);
  });

  it("takes the longest run where none is long enough", () => {
    const free = new FreeRuns(16);
    free.take(16);
    for (const block of [1, 4, 5, 6, 7, 10, 11]) free.add(block);
    assert.deepEqual(free.take(6), { start: 4, count: 4 });
  });

  it("refuses a block that is free already or no block of the pool, and stays whole", () => {
    const free = new FreeRuns(4);
    assert.throws(() => free.add(1), { code: "INTERNAL" });
    assert.throws(() => free.add(4), { code: "INTERNAL" });
    assert.throws(() => free.add(-1), { code: "INTERNAL" });
    free.take(4);
    assert.throws(() => free.take(1), { code: "INTERNAL" });
    free.assertInvariants();
  });

  it("agrees with a plain set under any sequence of operations", () => {
    const operation = fc.oneof(
      fc.record({ type: fc.constant("take" as const), count: fc.integer({ min: 1, max: 9 }) }),
      fc.record({ type: fc.constant("takeAt" as const), index: fc.nat(50), count: fc.integer({ min: 1, max: 9 }) }),
      fc.record({ type: fc.constant("give" as const), index: fc.nat(50), count: fc.integer({ min: 1, max: 6 }) }),
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.array(operation, { size: "max", maxLength: 60 }),
        (total, script) => {
          const free = new FreeRuns(total);
          const used = new Set<number>();
          const take = (run: { readonly start: number; readonly count: number }): void => {
            for (const block of ids(run)) {
              assert.ok(!used.has(block) && block < total);
              used.add(block);
            }
          };
          for (const step of script) {
            const held = [...used].sort((a, b) => a - b);
            if (step.type === "take" && free.count > 0) {
              const run = free.take(step.count);
              assert.ok(run.count >= 1 && run.count <= step.count);
              take(run);
            }
            if (step.type === "takeAt" && held.length > 0) {
              const after = held[step.index % held.length] ?? 0;
              const run = free.takeAt(after + 1, step.count);
              assert.equal(run.count > 0, after + 1 < total && !used.has(after + 1));
              take(run);
            }
            if (step.type === "give") {
              for (const block of held.slice(step.index % Math.max(1, held.length)).slice(0, step.count)) {
                free.add(block);
                used.delete(block);
              }
            }
            assert.equal(free.count, total - used.size);
            free.assertInvariants();
          }
        },
      ),
      { seed: 7, numRuns: 500 },
    );
  });
});
