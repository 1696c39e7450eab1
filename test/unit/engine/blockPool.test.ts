import assert from "node:assert/strict";
import fc from "fast-check";
import { BlockPool } from "../../../src/engine/blockPool";

function poolOf(totalBlocks: number): BlockPool {
  return new BlockPool({ totalBlocks, blockTokens: 4 }, { checked: true });
}

describe("BlockPool", () => {
  it("hands out adjacent blocks, after the given one where they are free", () => {
    const pool = poolOf(20);
    const first = pool.allocate(3);
    assert.deepEqual(first, [0, 1, 2]);
    assert.deepEqual(pool.allocate(2, 2), [3, 4]);
    assert.deepEqual(pool.allocate(2, 1), [11, 12]);
  });

  it("counts references: a block is free when its last holder lets it go", () => {
    const pool = poolOf(4);
    const [block = -1] = pool.allocate(1);
    pool.retain(block);
    pool.release(block);
    assert.equal(pool.stateOf(block), "referenced");
    pool.release(block);
    assert.equal(pool.stateOf(block), "free");
  });

  it("refuses to release or retain what nobody holds, and stays unharmed", () => {
    const pool = poolOf(2);
    const [block = -1] = pool.allocate(1);
    pool.release(block);
    assert.throws(() => pool.release(block), { code: "INTERNAL" });
    assert.throws(() => pool.retain(block), { code: "INTERNAL" });
    assert.throws(() => pool.release(7), { code: "INTERNAL" });
    assert.equal(pool.freeBlocks, 2);
    pool.assertInvariants();
  });

  it("finds a published block after its release, until it is taken for something else", () => {
    const pool = poolOf(2);
    const [block = -1] = pool.allocate(1);
    pool.publish(block, "k");
    pool.release(block);
    assert.equal(pool.lookup("k"), block);
    assert.equal(pool.reusableBlocks, 1);
    pool.retain(block);
    assert.equal(pool.stateOf(block), "referenced");
    pool.release(block);
    pool.allocate(2);
    assert.equal(pool.lookup("k"), undefined);
  });

  it("takes free blocks before reusable ones", () => {
    const pool = poolOf(3);
    const [block = -1] = pool.allocate(1);
    pool.publish(block, "k");
    pool.release(block);
    pool.allocate(2);
    assert.equal(pool.lookup("k"), block);
  });

  it("reuses the least recently used chain first, and in a chain the tail before the head", () => {
    const pool = poolOf(6);
    const older = pool.allocate(3);
    const newer = pool.allocate(3);
    for (const [index, block] of older.entries()) pool.publish(block, `older${index}`);
    for (const [index, block] of newer.entries()) pool.publish(block, `newer${index}`);
    pool.releaseFrom(older, 0);
    pool.releaseFrom(newer, 0);
    const lost: string[] = [];
    const known = ["older0", "older1", "older2", "newer0", "newer1", "newer2"];
    for (let taken = 0; taken < 6; taken += 1) {
      pool.allocate(1);
      lost.push(...known.filter((key) => !lost.includes(key) && pool.lookup(key) === undefined));
    }
    assert.deepEqual(lost, ["older2", "older1", "older0", "newer2", "newer1", "newer0"]);
  });

  it("keeps one block a key: the held one stays, an unheld one gives way and is freed", () => {
    const pool = poolOf(4);
    const [first = -1, second = -1, third = -1] = pool.allocate(3);
    pool.publish(first, "k");
    assert.equal(pool.publish(second, "k"), first);
    pool.release(first);
    assert.equal(pool.publish(third, "k"), third);
    assert.equal(pool.stateOf(first), "free");
    assert.equal(pool.lookup("k"), third);
  });

  it("promises blocks without choosing them: what is reserved cannot be taken or revived by others", () => {
    const pool = poolOf(4);
    const blocks = pool.allocate(2);
    pool.publish(blocks[0] ?? -1, "k");
    pool.releaseFrom(blocks, 0);
    pool.reserve(4);
    assert.equal(pool.availableBlocks, 0);
    assert.equal(pool.canRetain(blocks[0] ?? -1), false);
    assert.throws(() => pool.allocate(1), { code: "INTERNAL" });
    assert.equal(pool.lookup("k"), blocks[0]);
    pool.allocateReserved(3);
    assert.equal(pool.lookup("k"), blocks[0]);
    pool.allocateReserved(1);
    assert.equal(pool.lookup("k"), undefined);
    assert.throws(() => pool.allocateReserved(1), { code: "INTERNAL" });
    assert.throws(() => pool.cancelReserved(1), { code: "INTERNAL" });
  });

  it("finds nothing once contents are unknown, while tables stay held", () => {
    const pool = poolOf(4);
    const [held = -1, loose = -1] = pool.allocate(2);
    pool.publish(held, "held");
    pool.publish(loose, "loose");
    pool.release(loose);
    pool.forgetContents();
    assert.equal(pool.lookup("held"), undefined);
    assert.equal(pool.lookup("loose"), undefined);
    assert.equal(pool.stateOf(loose), "free");
    assert.equal(pool.refCount(held), 1);
    assert.equal(pool.epoch, 1);
    pool.release(held);
    assert.equal(pool.freeBlocks, 4);
  });

  it("agrees with a plain model under any sequence of operations", () => {
    const index = fc.nat(40);
    const operation = fc.oneof(
      fc.record({ type: fc.constant("allocate" as const), count: fc.integer({ min: 1, max: 6 }), index }),
      fc.record({ type: fc.constant("reserve" as const), count: fc.integer({ min: 1, max: 6 }) }),
      fc.record({ type: fc.constant("useReserved" as const), count: fc.integer({ min: 1, max: 3 }) }),
      fc.record({ type: fc.constantFrom("retain", "release", "unpublish"), index }),
      fc.record({ type: fc.constantFrom("publish", "revive"), index, key: fc.nat(12) }),
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 24 }),
        fc.array(operation, { size: "max", maxLength: 80 }),
        (total, script) => {
          const pool = poolOf(total);
          const references: number[] = [];
          const keyed = new Map<string, number>();
          const heldAt = (at: number): number | undefined => references[at % Math.max(1, references.length)];
          const dropLost = (): void => {
            for (const key of keyed.keys()) if (pool.lookup(key) === undefined) keyed.delete(key);
          };
          for (const step of script) {
            const held = "index" in step ? heldAt(step.index) : undefined;
            if (step.type === "allocate" && step.count <= pool.availableBlocks) {
              const reusable = pool.reusableInOrder();
              const evicted = Math.max(0, step.count - pool.freeBlocks);
              const blocks = pool.allocate(step.count, held);
              assert.ok(blocks.every((block) => !references.includes(block)));
              assert.deepEqual(pool.reusableInOrder(), reusable.slice(evicted));
              references.push(...blocks);
              dropLost();
            }
            if (step.type === "reserve" && pool.canReserve(step.count)) pool.reserve(step.count);
            if (step.type === "useReserved" && step.count <= pool.reservedBlocks) {
              references.push(...pool.allocateReserved(step.count));
              dropLost();
            }
            if (step.type === "retain" && held !== undefined) {
              pool.retain(held);
              references.push(held);
            }
            if (step.type === "release" && held !== undefined) {
              references.splice(references.indexOf(held), 1);
              pool.release(held);
            }
            if (step.type === "unpublish" && held !== undefined && pool.refCount(held) === 1) {
              const key = pool.keyOf(held);
              pool.unpublish(held);
              if (key !== undefined) keyed.delete(key);
            }
            if (step.type === "publish" && held !== undefined && pool.keyOf(held) === undefined) {
              keyed.set(`k${step.key}`, pool.publish(held, `k${step.key}`));
            }
            if (step.type === "revive") {
              const block = pool.lookup(`k${step.key}`);
              assert.equal(block, keyed.get(`k${step.key}`));
              if (block !== undefined && pool.canRetain(block)) {
                pool.retain(block);
                references.push(block);
              }
            }
            const distinct = new Set(references);
            assert.equal(pool.referencedBlocks, distinct.size);
            for (const block of distinct) {
              assert.equal(pool.refCount(block), references.filter((other) => other === block).length);
            }
            const unheldKeyed = [...keyed.values()].filter((block) => !distinct.has(block));
            assert.equal(pool.reusableBlocks, unheldKeyed.length);
          }
        },
      ),
      { seed: 11, numRuns: 500 },
    );
  });
});
