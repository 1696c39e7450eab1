import assert from "node:assert/strict";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { ResidentError } from "../../../src/common/errors";
import { type LogLevel, silentLog } from "../../../src/common/log";
import type { AgentSummary, ResidentService, ServiceEvent, ServiceOptions } from "../../../src/protocol/service";
import { createLocalService } from "../../../src/service/localService";
import { record } from "../../support/agents/agentRig";
import { FakeRuntime, writeFakeModel } from "../../support/agents/fakeRuntime";
import { optionsFor, otherModel, writeFakeModels } from "../../support/service/serviceOptions";
import { FakeLocks, inFolder } from "../../support/store/fakes";

interface Rig {
  readonly folder: string;
  readonly runtime: FakeRuntime;
  readonly service: ResidentService;
  readonly events: ServiceEvent[];
}

/** A service over two models on disk, "starter" and "other", ended afterwards. */
function inService(body: (rig: Rig) => Promise<void>, change: Partial<ServiceOptions> = {}): Promise<void> {
  return inFolder(async (folder) => {
    await writeFakeModels(folder);
    const runtime = new FakeRuntime();
    const service = createLocalService(optionsFor(folder, change), runtime, silentLog);
    const events: ServiceEvent[] = [];
    service.onEvent((event) => events.push(event));
    try {
      await body({ folder, runtime, service, events });
    } finally {
      await service.dispose();
    }
  });
}

describe("the service", function () {
  this.timeout(20_000);

  it("loads nothing before it is needed", () =>
    inService(async ({ service, runtime }) => {
      const status = await service.status();
      assert.equal(status.engine.type, "idle");
      assert.equal(status.pool, undefined);
      assert.deepEqual(status.agents, []);
      await service.createAgent({ name: "Ada" });
      assert.deepEqual(runtime.history, []);
    }));

  it("aborts an answer that still waits for its model", () =>
    inService(async ({ service, runtime }) => {
      let letLoad = () => {};
      // Made before the load begins: the abort may come first.
      const released = new Promise<void>((resolve) => {
        letLoad = resolve;
      });
      runtime.beforeLoad = () => released;
      const running = service.generate({ prompt: "Hello" });
      void setTimeout(10).then(() => running.abort());
      assert.equal((await running.done).finishReason, "aborted");
      letLoad();
    }));

  it("swaps models between turns: the second waits, and the first agent's cache comes back from disk", () =>
    inService(async ({ service, runtime, folder }) => {
      const ada = await service.createAgent({ name: "Ada" });
      const bob = await service.createAgent({ name: "Bob", modelDirectory: otherModel(folder) });
      let letLoad = () => {};
      // The first turn lasts until the second is asked.
      const released = new Promise<void>((resolve) => {
        letLoad = resolve;
      });
      runtime.beforeLoad = () => released;
      const first = await service.send(ada.id, { text: "A question that is longer than a block" });
      const second = await service.send(bob.id, { text: "Another question" });
      const told = record(second);
      letLoad();
      await first.done;
      await second.done;
      assert.equal(told[0]?.type, "waitingModel");
      assert.deepEqual(runtime.history, ["starter", "-starter", "other"]);
      const third = await (await service.send(ada.id, { text: "And?" })).done;
      assert.equal(third.figures.cache.tier, "warm");
      assert.ok(third.figures.reusedTokens > third.figures.prefilledTokens);
    }));

  it("answers agents of two models that are asked together model by model, with one swap, and says what is loaded", () =>
    inService(async ({ service, runtime, folder }) => {
      const modelDirectory = otherModel(folder);
      const names = ["A", "B", "A2", "B2"];
      const agents: AgentSummary[] = [];
      for (const name of names) {
        agents.push(await service.createAgent({ name, ...(name.startsWith("B") ? { modelDirectory } : {}) }));
      }
      await service.loadModel();
      const running = await Promise.all(agents.map(({ id }) => service.send(id, { text: "A question" })));
      const told = running.map(record);
      await Promise.all(running.map(({ done }) => done));
      assert.deepEqual(runtime.history, ["starter", "-starter", "other"]);
      const waited = (at: number) =>
        (told[at] ?? []).flatMap((event) => (event.type === "waitingModel" ? [event.reason] : []));
      assert.deepEqual([waited(0), waited(2)], [[], []]);
      assert.match(waited(1).at(0) ?? "", /^[12] turns? of starter, then other is loaded \(\d/);
    }));

  it("does not throw a working model out for a read ahead", () =>
    inService(async ({ service, runtime, folder }) => {
      const bob = await service.createAgent({ name: "Bob", modelDirectory: otherModel(folder) });
      await (await service.send(bob.id, { text: "Hello" })).done;
      await service.loadModel();
      const summary = await service.warmAgent(bob.id);
      assert.equal(summary.tier, "warm");
      assert.deepEqual(runtime.history, ["other", "-other", "starter"]);
    }));

  it("frees a model that is unused for a while, its agents saved", () =>
    inService(
      async ({ service, runtime, events }) => {
        const { id } = await service.createAgent({ name: "Ada" });
        await (await service.send(id, { text: "A question that is longer than a block" })).done;
        const isIdle = () => events.some((event) => event.type === "engine" && event.state.type === "idle");
        while (!isIdle()) await setTimeout(10);
        assert.deepEqual(runtime.history, ["starter", "-starter"]);
        const { tier, hotTokens } = await service.saveAgent(id);
        assert.deepEqual([tier, hotTokens], ["warm", 0]);
      },
      { unloadAfterMs: 200 },
    ));

  it("forgets agents and other programs' conversations alike, and tells what the store may take", () =>
    inService(async ({ service, folder }) => {
      const modelDirectory = otherModel(folder);
      await service.createAgent({ name: "Ada" });
      await service.chat({ modelDirectory, messages: [{ role: "user", content: "Hello" }] }).done;
      const before = await service.storeStats();
      assert.deepEqual([before.quotaBytes, before.agents], [1_000_000, 1]);
      assert.equal((await service.status()).threads.recent.length, 1);
      assert.equal((await service.forgetEverything()).agents, 1);
      const { agents, threads } = await service.status();
      assert.deepEqual([agents, threads.recent], [[], []]);
    }));

  it("gets no starter model that is there, and says that models may be others now", () =>
    inService(async ({ service, events }) => {
      const { name, isStarter } = await service.getStarterModel(() => assert.fail("nothing is downloaded"));
      assert.deepEqual([name, isStarter], ["starter", true]);
      assert.deepEqual(
        events.map(({ type }) => type),
        ["models"],
      );
    }));

  it("does not wait longer than its deadline for what does not end, and says so", () =>
    inFolder(async (folder) => {
      await writeFakeModels(folder);
      const runtime = new FakeRuntime();
      const lines: string[] = [];
      const log = { log: (_: LogLevel, message: string) => lines.push(message) };
      const service = createLocalService(optionsFor(folder), runtime, log);
      await service.loadModel();
      const { lastRunner } = runtime;
      assert.ok(lastRunner);
      let letStep = () => {};
      const held = new Promise<void>((resolve) => {
        letStep = resolve;
      });
      lastRunner.beforeStep = () => held;
      service.generate({ prompt: "Hello" });
      while (lastRunner.batches.length === 0) await setTimeout(5);
      await service.dispose(20);
      assert.equal(lines.at(-1), "saving had not finished after 20 ms");
      letStep();
      while (!runtime.history.includes("-starter")) await setTimeout(5);
    }));

  it("loads a model anew after its device failed", () =>
    inService(async ({ service, runtime }) => {
      await service.loadModel();
      if (runtime.lastRunner) runtime.lastRunner.failNext = { in: "run", error: new Error("lost") };
      await assert.rejects(service.generate({ prompt: "Hello" }).done, /lost/);
      assert.equal((await service.generate({ prompt: "Hello" }).done).tokenIds.length, 6);
      assert.deepEqual(runtime.history, ["starter", "-starter", "starter"]);
    }));
});

describe("the service without its addon", () => {
  const missing = new ResidentError("ADDON_MISSING", "there is no addon", "run set-up");

  it("shows transcripts, diagnoses itself, and refuses the rest with the reason", () =>
    inFolder(async (folder) => {
      await writeFakeModel(path.join(folder, "models", "starter"));
      const before = createLocalService(optionsFor(folder), new FakeRuntime(new FakeLocks()), silentLog);
      const { id } = await before.createAgent({ name: "Ada" });
      await (await before.send(id, { text: "Hello" })).done;
      await before.dispose();

      const runtime = new FakeRuntime();
      runtime.addonError = missing;
      const service = createLocalService(optionsFor(folder), runtime, silentLog);
      assert.equal((await service.listAgents())[0]?.name, "Ada");
      assert.equal((await service.getAgent(id)).turns[0]?.user, "Hello");
      assert.equal((await service.status()).engine.type, "addonMissing");
      await assert.rejects(service.send(id, { text: "Hello" }), { code: "ADDON_MISSING" });
      await assert.rejects(service.generate({ prompt: "Hello" }).done, { code: "ADDON_MISSING" });
      const { sections } = await service.diagnose();
      const addon = sections.find((section) => section.title === "Addon");
      assert.deepEqual(addon?.lines[0], ["problem", "ADDON_MISSING: there is no addon"]);
      runtime.addonError = undefined;
      assert.equal((await (await service.send(id, { text: "Hello" })).done).figures.cache.tier, "warm");
      await service.dispose();
    }));
});
