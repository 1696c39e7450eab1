import assert from "node:assert/strict";
import fc from "fast-check";
import { type Lease, ModelGate } from "../../../src/service/modelGate";

class FakeLoader {
  readonly loaded: string[] = [];
  failing = new Set<string>();
  leasesAtUnload: number[] = [];
  leases = 0;

  async load(directory: string): Promise<string> {
    await Promise.resolve();
    if (this.failing.has(directory)) throw new Error(`cannot load ${directory}`);
    assert.equal(this.loaded.length, 0);
    this.loaded.push(directory);
    return directory;
  }

  async unload(model: string): Promise<void> {
    await Promise.resolve();
    this.leasesAtUnload.push(this.leases);
    this.loaded.splice(this.loaded.indexOf(model), 1);
  }
}

describe("model gate", () => {
  it("has one model at a time, serves everybody, and frees none in use, whatever is asked in whatever order", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ model: fc.constantFrom("a", "b", "c"), holdFor: fc.nat(5) }), { maxLength: 20 }),
        async (requests) => {
          const loader = new FakeLoader();
          const gate = new ModelGate(loader);
          const order: string[] = [];
          await Promise.all(
            requests.map(async ({ model, holdFor }) => {
              const lease = await gate.acquire(model);
              loader.leases += 1;
              order.push(lease.model);
              assert.equal(lease.model, model);
              for (let turn = 0; turn < holdFor; turn += 1) await Promise.resolve();
              assert.deepEqual(loader.loaded, [model]);
              loader.leases -= 1;
              lease.release();
              lease.release();
            }),
          );
          assert.deepEqual(
            order,
            requests.map(({ model }) => model),
          );
          assert.ok(loader.leasesAtUnload.every((leases) => leases === 0));
          assert.equal(gate.numLeases, 0);
        },
      ),
    ));

  it("goes on with the next request when a model cannot be loaded", async () => {
    const loader = new FakeLoader();
    loader.failing.add("bad");
    const gate = new ModelGate(loader);
    const bad = gate.acquire("bad");
    const good = gate.acquire("good");
    await assert.rejects(bad, /cannot load bad/);
    assert.equal((await good).model, "good");
  });

  it("lets a request go that is aborted while it waits", async () => {
    const gate = new ModelGate(new FakeLoader());
    const first = await gate.acquire("a");
    const controller = new AbortController();
    const second = gate.acquire("b", controller.signal);
    const third = gate.acquire("a");
    assert.equal(gate.wouldWait("a"), true);
    controller.abort();
    await assert.rejects(second, { code: "ABORTED" });
    (await third).release();
    first.release();
  });

  it("unloads once the work before it is done", async () => {
    const loader = new FakeLoader();
    const gate = new ModelGate(loader);
    const lease: Lease<string> = await gate.acquire("a");
    const unloading = gate.unload();
    assert.deepEqual(loader.loaded, ["a"]);
    lease.release();
    await unloading;
    assert.deepEqual(loader.loaded, []);
    assert.equal(gate.current, undefined);
  });

  it("refuses everything after it was closed, and frees what is loaded", async () => {
    const loader = new FakeLoader();
    const gate = new ModelGate(loader);
    await gate.acquire("a");
    const waiting = gate.acquire("b");
    await Promise.all([gate.close(), assert.rejects(waiting, { code: "ABORTED" })]);
    assert.deepEqual(loader.loaded, []);
    await assert.rejects(gate.acquire("a"), { code: "ABORTED" });
  });

  it("ends a load that is cancelled for everybody who waits for that model, and goes on with the next", async () => {
    const loads: string[] = [];
    const gate = new ModelGate<string>({
      load: (directory, signal) => {
        loads.push(directory);
        if (directory === "small") return Promise.resolve(directory);
        return new Promise((_, reject) => signal?.addEventListener("abort", () => reject(new Error("cancelled"))));
      },
      unload: async () => {},
    });
    const waiting = [gate.acquire("large"), gate.acquire("large")];
    const other = gate.acquire("small");
    await Promise.resolve();
    gate.cancelLoad();
    for (const outcome of await Promise.allSettled(waiting)) assert.equal(outcome.status, "rejected");
    assert.equal((await other).model, "small");
    assert.deepEqual(loads, ["large", "small"]);
  });
});
