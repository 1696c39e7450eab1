import assert from "node:assert/strict";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Suite } from "../../../src/bench/suite";
import { silentLog } from "../../../src/common/log";
import type { AgentId, BenchRow, BenchSuite, ResidentService, ServiceEvent } from "../../../src/protocol/service";
import { benchWaitReason } from "../../../src/service/answerHold";
import type { BenchWorld } from "../../../src/service/benchHome";
import { createLocalService } from "../../../src/service/localService";
import { record } from "../../support/agents/agentRig";
import { FakeRuntime } from "../../support/agents/fakeRuntime";
import { optionsFor, otherModel, writeFakeModels } from "../../support/service/serviceOptions";
import { FakeLocks, inFolder } from "../../support/store/fakes";

const row: BenchRow = { case: "a case", n: 1, p50Ms: 1, p95Ms: 1, p99Ms: 1 };
const question = { text: "A question that is longer than a block" };

type Work = (world: BenchWorld, signal: AbortSignal) => Promise<void>;

interface Rig {
  readonly folder: string;
  readonly runtime: FakeRuntime;
  readonly service: ResidentService;
  readonly events: ServiceEvent[];
  /** Runs `work` as the suite of this name. */
  run(suite: BenchSuite, work: Work, signal?: AbortSignal): Promise<unknown>;
}

function inService(body: (rig: Rig) => Promise<void>): Promise<void> {
  return inFolder(async (folder) => {
    await writeFakeModels(folder);
    const runtime = new FakeRuntime();
    let current: Work = async () => {};
    const suite =
      (world: BenchWorld): Suite =>
      async ({ signal }) => {
        await current(world, signal);
        return [row];
      };
    const service = createLocalService(optionsFor(folder), runtime, silentLog, () => ({
      resume: suite,
      soak: suite,
    }));
    const events: ServiceEvent[] = [];
    service.onEvent((event) => events.push(event));
    const run = (name: BenchSuite, work: Work, signal?: AbortSignal) => {
      current = work;
      return service.runBench(name, () => {}, signal);
    };
    try {
      await body({ folder, runtime, service, events, run });
    } finally {
      await service.dispose();
    }
  });
}

/** Makes an agent that has said something, and does not remove it. */
async function talk({ service }: BenchWorld): Promise<AgentId> {
  const { id } = await service.createAgent({ name: "bench 1" });
  await (await service.send(id, question)).done;
  await service.saveAgent(id);
  return id;
}

const scratchOf = (folder: string) => path.join(folder, "home", "bench", "scratch");

function eventually(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const look = async (left: number): Promise<void> => {
    if (await isSo()) return;
    if (left === 0) assert.fail(what);
    await new Promise((resolve) => setTimeout(resolve, 5));
    return look(left - 1);
  };
  return look(400);
}

describe("a benchmark's agents", function () {
  this.timeout(20_000);

  it("are in no list, event or figure of people's agents, and nothing of them is left", () =>
    inService(async ({ service, run, events, folder }) => {
      await service.loadModel();
      const before = (await service.status()).store;
      let id: AgentId | undefined;
      await run("resume", async (world) => {
        id = await talk(world);
        assert.deepEqual(await service.listAgents(), []);
        assert.equal((await world.service.getAgent(id)).turns.length, 1);
        assert.ok(((await service.status()).pool?.usedBlocks ?? 0) > 0);
      });
      assert.ok(id);
      assert.deepEqual(
        events.filter((event) => event.type !== "engine" && event.type !== "bench"),
        [],
      );
      const { store, pool, agents } = await service.status();
      assert.deepEqual([store, pool?.usedBlocks, agents], [before, 0, []]);
      assert.deepEqual(await readdir(scratchOf(folder)), []);
      assert.deepEqual(await readdir(path.join(folder, "home", "agents")).catch(() => []), []);
    }));

  it("leave nothing after a failure and after a cancel", () =>
    inService(async ({ service, run, folder }) => {
      await service.loadModel();
      const failing = run("resume", async (world) => {
        await talk(world);
        throw new Error("broken");
      });
      await assert.rejects(failing, /broken/);
      const cancel = new AbortController();
      const cancelled = run(
        "soak",
        async (world, signal) => {
          await talk(world);
          cancel.abort();
          signal.throwIfAborted();
        },
        cancel.signal,
      );
      await assert.rejects(cancelled);
      assert.equal((await service.status()).pool?.usedBlocks, 0);
      assert.deepEqual(await readdir(scratchOf(folder)), []);
      assert.equal((await service.status()).benchRunning, undefined);
    }));

  it("end with the service, and what they had is gone", () =>
    inService(async ({ service, run, folder }) => {
      let isTalking: () => void = () => {};
      const talking = new Promise<void>((resolve) => {
        isTalking = resolve;
      });
      const running = run("soak", async (world, signal) => {
        await talk(world);
        isTalking();
        await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      });
      running.catch(() => {}); // it is looked at below
      await talking;
      await service.dispose();
      await assert.rejects(running);
      assert.deepEqual(await readdir(scratchOf(folder)), []);
    }));

  for (const when of ["start", "run"] as const) {
    it(`that a killed process left are removed at the next ${when}, those of a living one are not`, () =>
      inFolder(async (folder) => {
        await writeFakeModels(folder);
        const locks = new FakeLocks();
        const scratch = scratchOf(folder);
        const leave = async (name: string) => {
          await mkdir(path.join(scratch, name), { recursive: true });
          await writeFile(path.join(scratch, `${name}.lock`), "");
        };
        const living = async () => {
          await leave("living");
          locks.process().tryLock(path.join(scratch, "living.lock"));
        };
        if (when === "start") await Promise.all([living(), leave("killed")]);
        const runtime = new FakeRuntime(locks);
        const service = createLocalService(optionsFor(folder), runtime, silentLog, () => ({
          resume: () => async () => [row],
        }));
        if (when === "run") {
          await Promise.all([living(), leave("killed")]);
          await service.runBench("resume", () => {});
        }
        await service.dispose();
        assert.deepEqual((await readdir(scratch)).sort(), ["living", "living.lock"]);
      }));
  }
});

describe("what people had in memory before a benchmark", function () {
  this.timeout(20_000);

  it("is brought back: the model, and the agents that were hot", () =>
    inService(async ({ service, run, runtime, folder }) => {
      const bob = await service.createAgent({ name: "Bob", modelDirectory: otherModel(folder) });
      const cold = await service.createAgent({ name: "Cold" });
      await (await service.send(bob.id, question)).done;
      await service.saveAgent(bob.id);
      await run("resume", async (world) => {
        await world.service.loadModel();
        await talk(world);
      });
      await eventually("Bob is not hot again", async () =>
        (await service.listAgents()).some(({ id, tier }) => id === bob.id && tier === "hot"),
      );
      assert.deepEqual(runtime.history, ["other", "-other", "starter", "-starter", "other"]);
      assert.equal((await service.getAgent(cold.id)).tier, "cold");
    }));

  it("is what is there afterwards: a model that only the benchmark used is freed", () =>
    inService(async ({ service, run, runtime }) => {
      await run("resume", async (world) => void (await talk(world)));
      await eventually("the model is still loaded", async () => (await service.status()).engine.type === "idle");
      assert.deepEqual(runtime.history, ["starter", "-starter"]);
    }));
});

describe("people's answers while a benchmark runs", function () {
  this.timeout(20_000);

  it("wait where they would disturb it, with the reason, and come afterwards", () =>
    inService(async ({ service, run }) => {
      const { id } = await service.createAgent({ name: "Ada" });
      let answer = "";
      let reasons: readonly unknown[] = [];
      let sent: Promise<unknown> = Promise.resolve();
      await run("resume", async (world) => {
        const running = await service.send(id, question);
        const told = record(running);
        const oneOff = service.generate({ prompt: "Hello" });
        sent = Promise.all([running.done.then(({ text }) => (answer = text)), oneOff.done]);
        await talk(world);
        assert.equal((await service.warmAgent(id)).hotTokens, 0);
        assert.equal((await service.listAgents())[0]?.state, "waiting");
        reasons = told.map((event) => (event.type === "waitingModel" ? event.reason : event.type));
      });
      assert.deepEqual(reasons, [benchWaitReason]);
      await sent;
      assert.notEqual(answer, "");
    }));

  it("can be cancelled while they wait", () =>
    inService(async ({ service, run }) => {
      const { id } = await service.createAgent({ name: "Ada" });
      await run("resume", async () => {
        const running = await service.send(id, question);
        running.abort();
        assert.equal((await running.done).finishReason, "aborted");
      });
    }));

  it("end first where they have begun", () =>
    inService(async ({ service, run, runtime, events }) => {
      const { id } = await service.createAgent({ name: "Ada" });
      let letLoad: () => void = () => {};
      const released = new Promise<void>((resolve) => {
        letLoad = resolve;
      });
      runtime.beforeLoad = () => released;
      const running = await service.send(id, question);
      let isOver = false;
      void running.done.then(() => {
        isOver = true;
      });
      const benchmark = run("resume", async () => assert.equal(isOver, true));
      await eventually("nobody says what it waits for", async () =>
        events.some((event) => event.type === "bench" && event.progress?.message === "Waiting for an answer to end"),
      );
      letLoad();
      await benchmark;
    }));

  it("go on during a soak", () =>
    inService(async ({ service, run }) => {
      const { id } = await service.createAgent({ name: "Ada" });
      await run("soak", async () => {
        assert.equal((await (await service.send(id, question)).done).finishReason, "length");
      });
    }));
});
