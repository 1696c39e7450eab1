import assert from "node:assert/strict";
import fc from "fast-check";
import { type GateClock, gatherMs, type Lease, ModelGate, queueLimits } from "../../../src/service/modelGate";
import { ModelQueue } from "../../../src/service/modelQueue";
import type { TurnsAhead } from "../../../src/service/turnsAhead";

class FakeLoader {
  readonly loaded: string[] = [];
  readonly history: string[] = [];
  failing = new Set<string>();
  leasesAtUnload: number[] = [];
  leases = 0;

  async load(directory: string): Promise<string> {
    await Promise.resolve();
    if (this.failing.has(directory)) throw new Error(`cannot load ${directory}`);
    assert.equal(this.loaded.length, 0);
    this.loaded.push(directory);
    this.history.push(directory);
    return directory;
  }

  async unload(model: string): Promise<void> {
    await Promise.resolve();
    this.leasesAtUnload.push(this.leases);
    this.loaded.splice(this.loaded.indexOf(model), 1);
  }
}

/** A clock that goes only when the test says so. */
class FakeClock implements GateClock {
  private now = 0;
  private timers: readonly { readonly atMs: number; readonly work: () => void }[] = [];

  nowMs(): number {
    return this.now;
  }

  after(ms: number, work: () => void): () => void {
    const timer = { atMs: this.now + ms, work };
    this.timers = [...this.timers, timer];
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  /** Moves on by `ms`; what was due meanwhile runs. */
  async go(ms: number): Promise<void> {
    this.now += ms;
    const due = this.timers.filter(({ atMs }) => atMs <= this.now);
    this.timers = this.timers.filter(({ atMs }) => atMs > this.now);
    for (const { work } of due) work();
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  }
}

const models = ["a", "b", "c"] as const;

/** Asks at the given times, holds each lease for its time, and tells when each was asked and in which place it was served. */
async function play(
  requests: readonly { readonly model: string; readonly afterMs: number; readonly holdMs: number }[],
) {
  const loader = new FakeLoader();
  const clock = new FakeClock();
  const gate = new ModelGate(loader, () => {}, clock);
  const asked: { readonly model: string; readonly atMs: number }[] = [];
  const served: number[] = [];
  const running = requests.length;
  let ended = 0;
  for (const [at, { model, afterMs, holdMs }] of requests.entries()) {
    await clock.go(afterMs);
    asked.push({ model, atMs: clock.nowMs() });
    gate.acquire(model).then((lease) => {
      served.push(at);
      loader.leases += 1;
      assert.equal(lease.model, model);
      clock.after(holdMs, () => {
        assert.deepEqual(loader.loaded, [model]);
        loader.leases -= 1;
        lease.release();
        lease.release();
        ended += 1;
      });
    });
  }
  for (let step = 0; ended < running; step += 1) {
    assert.ok(step < 10_000, "a request was never served");
    await clock.go(50);
  }
  assert.ok(loader.leasesAtUnload.every((leases) => leases === 0));
  assert.equal(gate.numLeases, 0);
  return { asked, served, history: loader.history };
}

describe("model gate", () => {
  const request = fc.record({ model: fc.constantFrom(...models), afterMs: fc.nat(700), holdMs: fc.nat(1500) });

  it("has one model at a time, serves everybody, and frees none in use, whatever is asked at whatever time", () =>
    fc.assert(
      fc.asyncProperty(fc.array(request, { maxLength: 20 }), async (requests) => {
        const { served } = await play(requests);
        assert.deepEqual(
          [...served].sort((a, b) => a - b),
          requests.map((_, at) => at),
        );
      }),
    ));

  it("lets a request wait for later ones only if they came within a second of it, however many come", () =>
    fc.assert(
      fc.asyncProperty(fc.array(request, { maxLength: 30 }), async (requests) => {
        const { asked, served } = await play(requests);
        const place = new Map(served.map((at, order) => [at, order]));
        for (const [early, first] of asked.entries()) {
          for (const [late, second] of asked.entries()) {
            if (late <= early || (place.get(early) ?? 0) < (place.get(late) ?? 0)) continue;
            assert.notEqual(first.model, second.model, "requests for one model keep their order");
            assert.ok(second.atMs - first.atMs <= queueLimits.togetherMs, `${second.atMs - first.atMs} ms later`);
          }
        }
      }),
    ));

  it("loads each model once for requests that come together, the loaded one first", () =>
    fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...models),
        fc.array(fc.record({ model: fc.constantFrom(...models), afterMs: fc.nat(4), holdMs: fc.nat(500) }), {
          minLength: 1,
          maxLength: 20,
        }),
        async (loaded, together) => {
          const before = { model: loaded, afterMs: 0, holdMs: 0 };
          const [first, ...rest] = together;
          const { history } = await play([before, { ...before, ...first, afterMs: 5000 }, ...rest]);
          const asked = new Set([loaded, ...together.map(({ model }) => model)]);
          assert.deepEqual([...history].sort(), [...asked].sort());
          assert.equal(history[0], loaded);
        },
      ),
    ));

  it("opens a new batch when one is full", () => {
    const queue = new ModelQueue<{ readonly directory: string }>({ togetherMs: 1000, maxTogether: 2 });
    for (const directory of ["b", "a", "a", "b"]) queue.add({ directory }, 0);
    assert.deepEqual(
      queue.inOrder("a").map(({ directory }) => directory),
      ["a", "b", "b", "a"],
    );
  });

  it("tells a request that waits whose turns come first, each time that this changes", async () => {
    const clock = new FakeClock();
    const gate = new ModelGate(new FakeLoader(), () => {}, clock);
    const told = new Map<string, (readonly TurnsAhead[])[]>();
    const ask = (name: string, model: string) => {
      told.set(name, []);
      return gate.acquire(model, undefined, (ahead) => told.get(name)?.push(ahead));
    };
    const first = await ask("first", "a");
    const second = ask("second", "b");
    const together = await ask("together", "a");
    await clock.go(2000);
    const later = ask("later", "a");
    assert.deepEqual(told.get("second"), [[{ directory: "a", turns: 1 }], [{ directory: "a", turns: 2 }]]);
    assert.deepEqual(told.get("later"), [
      [
        { directory: "a", turns: 2 },
        { directory: "b", turns: 1 },
      ],
    ]);
    first.release();
    together.release();
    (await second).release();
    await clock.go(gatherMs);
    (await later).release();
    assert.deepEqual(told.get("second")?.at(-1), [], "its own model is being loaded");
    assert.deepEqual(told.get("together"), [], "it did not wait");
  });

  it("says which model is loaded next and how many turns come first, until it is loaded", async () => {
    const clock = new FakeClock();
    const gate = new ModelGate(new FakeLoader(), () => {}, clock);
    const first = await gate.acquire("a");
    assert.equal(gate.next, undefined);
    const second = gate.acquire("b");
    const third = gate.acquire("c");
    assert.deepEqual(gate.next, { directory: "b", turnsAhead: 1 });
    const together = await gate.acquire("a");
    assert.deepEqual(gate.next, { directory: "b", turnsAhead: 2 });
    together.release();
    await clock.go(gatherMs);
    assert.deepEqual(gate.next, { directory: "b", turnsAhead: 1 });
    first.release();
    assert.deepEqual(gate.next, { directory: "b", turnsAhead: 0 }, "it is being loaded");
    const lease = await second;
    assert.deepEqual(gate.next, { directory: "c", turnsAhead: 1 });
    lease.release();
    await clock.go(gatherMs);
    (await third).release();
    assert.equal(gate.next, undefined);
  });

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
    assert.equal(gate.isContended("a"), true);
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
