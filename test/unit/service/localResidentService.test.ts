import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { ResidentError } from "../../../src/common/errors";
import { type Log, silentLog } from "../../../src/common/log";
import type { GenerateRequest, ServiceEvent, ServiceOptions } from "../../../src/protocol/service";
import { LocalResidentService } from "../../../src/service/localResidentService";
import { record } from "../../support/agents/agentRig";
import { FakeRuntime, writeFakeModel } from "../../support/agents/fakeRuntime";
import { FakeLocks, inFolder } from "../../support/store/fakes";

function optionsFor(folder: string, change: Partial<ServiceOptions> = {}): ServiceOptions {
  return {
    home: path.join(folder, "home"),
    starterModel: path.join(folder, "models", "starter"),
    nativeStage: path.join(folder, "stage"),
    modelFolders: [path.join(folder, "models")],
    poolBytes: 64 * 1024,
    blockTokens: 8,
    sampling: { temperature: 0, maxTokens: 6 },
    storeQuotaBytes: 1_000_000,
    ...change,
  };
}

interface Rig {
  readonly folder: string;
  readonly runtime: FakeRuntime;
  readonly service: LocalResidentService;
  readonly events: ServiceEvent[];
  readonly logged: string[];
}

/** A service over two models on disk, "starter" and "other", ended afterwards. */
function inService(
  body: (rig: Rig) => Promise<void>,
  change: Partial<Omit<ServiceOptions, "poolBytes">> & { readonly poolBytes?: number | undefined } = {},
): Promise<void> {
  return inFolder(async (folder) => {
    for (const name of ["starter", "other"]) await writeFakeModel(path.join(folder, "models", name));
    const runtime = new FakeRuntime();
    const logged: string[] = [];
    const log: Log = { log: (_, message) => logged.push(message) };
    const { poolBytes, ...others } = { ...optionsFor(folder), ...change };
    const options = poolBytes === undefined ? others : { ...others, poolBytes };
    const service = new LocalResidentService(options, runtime, log);
    const events: ServiceEvent[] = [];
    service.onEvent((event) => events.push(event));
    try {
      await body({ folder, runtime, service, events, logged });
    } finally {
      await service.dispose();
    }
  });
}

const otherModel = (folder: string): string => path.join(folder, "models", "other");

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

  it("answers one prompt, and says what it loads on the way", () =>
    inService(async ({ service, events }) => {
      const done = await service.generate({ prompt: "Hello" }).done;
      assert.equal(done.finishReason, "length");
      assert.equal(done.tokenIds.length, 6);
      const states = events.flatMap((event) => (event.type === "engine" ? [event.state.type] : []));
      assert.deepEqual([states[0], states.at(-1)], ["loading", "ready"]);
      const { pool, engine, metrics } = await service.status();
      assert.equal(engine.type, "ready");
      assert.equal(pool?.usedBlocks, 0);
      assert.equal(
        pool?.map.reduce((sum, run) => sum + run.count, 0),
        pool?.totalBlocks,
      );
      assert.equal(metrics.prefixCacheQueries, done.figures.promptTokens);
    }));

  it("answers a raw prompt without a template, and the same text twice from memory", () =>
    inService(async ({ service }) => {
      const first = await service.generate({ prompt: "Once upon a time there was", raw: true }).done;
      const second = await service.generate({ prompt: "Once upon a time there was", raw: true }).done;
      assert.ok(first.figures.promptTokens < 27);
      assert.deepEqual(second.tokenIds, first.tokenIds);
      assert.equal(second.figures.cache.tier, "hot");
    }));

  it("samples as the model's files say, but for what the settings and the request say", () =>
    inService(
      async ({ service, runtime, folder }) => {
        const file = path.join(folder, "models", "starter", "generation_config.json");
        await writeFile(file, JSON.stringify({ do_sample: true, temperature: 0.6, top_k: 20 }));
        const used = async (request: Partial<GenerateRequest>) => {
          await service.generate({ prompt: "Hello", ...request }).done;
          const sampling = runtime.lastRunner?.batches.at(-1)?.rows[0]?.sampling;
          return [sampling?.temperature, sampling?.topK, sampling?.topP];
        };
        assert.deepEqual(await used({}), [0.6, 20, 1]);
        await service.setDefaultSampling({ maxTokens: 3, topK: 5 });
        assert.deepEqual(await used({}), [0.6, 5, 1]);
        assert.deepEqual(await used({ sampling: { topK: 4, topP: 0 } }), [0.6, 4, 0]);
        const ada = await service.createAgent({ name: "Ada" });
        await service.setAgentSampling(ada.id, { temperature: 0.1 });
        const done = await (await service.send(ada.id, { text: "Hello" })).done;
        assert.equal(done.tokenIds.length, 3);
        assert.equal(runtime.lastRunner?.batches.at(-1)?.rows[0]?.sampling.temperature, 0.1);
      },
      { sampling: { maxTokens: 6 } },
    ));

  it("answers though a file of the model names an end that is no token of it", () =>
    inService(async ({ service, folder }) => {
      const file = path.join(folder, "models", "starter", "generation_config.json");
      await writeFile(file, JSON.stringify({ eos_token_id: [2, 151_645] }));
      assert.equal((await service.generate({ prompt: "Hello" }).done).tokenIds.length, 6);
    }));

  it("answers as long as fits where nobody says how long, and cuts what is asked for to that", () =>
    inService(
      async ({ service }) => {
        const prompt = "0123456789".repeat(50);
        const { figures, tokenIds, finishReason } = await service.generate({ prompt, raw: true }).done;
        assert.equal(finishReason, "length");
        assert.equal(figures.promptTokens + tokenIds.length, 512);
        const cut = await service.generate({ prompt, raw: true, sampling: { maxTokens: 100_000 } }).done;
        assert.deepEqual([cut.tokenIds.length, cut.finishReason], [tokenIds.length, "length"]);
      },
      { sampling: { temperature: 0 } },
    ));

  for (const prompt of ["", "  \n"]) {
    it(`refuses ${JSON.stringify(prompt)} without loading anything`, () =>
      inService(async ({ service, runtime }) => {
        await assert.rejects(service.generate({ prompt }).done, { code: "INVALID_REQUEST" });
        assert.deepEqual(runtime.history, []);
      }));
  }

  it("refuses a prompt that is longer than the context with the numbers", () =>
    inService(async ({ service }) => {
      const running = service.generate({ prompt: "x ".repeat(600), raw: true });
      await assert.rejects(running.done, (error: ResidentError) => {
        assert.equal(error.code, "CONTEXT_FULL");
        assert.equal(error.facts["context"], 512);
        return true;
      });
      assert.equal((await service.generate({ prompt: "Hello" }).done).tokenIds.length, 6);
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
      setTimeout(() => running.abort(), 10);
      assert.equal((await running.done).finishReason, "aborted");
      letLoad();
    }));

  it("says what is wrong with a pool that cannot hold one block, and stays alive", () =>
    inService(
      async ({ service }) => {
        await assert.rejects(service.generate({ prompt: "Hello" }).done, { code: "INVALID_REQUEST" });
        assert.equal((await service.status()).engine.type, "failed");
      },
      { poolBytes: 100 },
    ));

  it("makes a pool for the model's contexts where no size is set", () =>
    inService(
      async ({ service }) => {
        await service.loadModel();
        const { pool } = await service.status();
        assert.equal((pool?.totalBlocks ?? 0) * 8, 8 * 512);
        assert.equal(pool?.reduced, undefined);
      },
      { poolBytes: undefined },
    ));

  it("makes a smaller pool where the one that was wanted does not fit, and says so in status, diagnosis and log", () =>
    inService(
      async ({ service, runtime, logged }) => {
        runtime.availableBytes = 64 * 1024;
        assert.equal((await service.generate({ prompt: "Hello" }).done).tokenIds.length, 6);
        const { pool } = await service.status();
        assert.equal(pool?.bytes, 48 * 1024);
        assert.equal(pool?.reduced?.wantedBytes, 2 ** 30);
        const lines = (await service.diagnose()).sections.find(({ title }) => title === "Block pool")?.lines;
        assert.deepEqual(
          lines?.slice(0, 3).map(([name]) => name),
          ["size wanted", "size", "smaller because"],
        );
        assert.match(logged.join("\n"), /block pool has 48.0 KB instead of 1.00 GB: 64.0 KB of memory were free/);
      },
      { poolBytes: 2 ** 30 },
    ));

  it("refuses with the numbers where not even the smallest useful pool fits", () =>
    inService(
      async ({ service, runtime }) => {
        runtime.availableBytes = 1000;
        await assert.rejects(service.generate({ prompt: "Hello" }).done, (error: ResidentError) => {
          assert.equal(error.code, "OUT_OF_MEMORY");
          assert.deepEqual(error.facts, { neededBytes: 512 * 64, wantedBytes: 2 ** 30, availableBytes: 1000 });
          assert.doesNotMatch(error.advice, /report/);
          return true;
        });
        assert.equal((await service.status()).engine.type, "failed");
        runtime.availableBytes = 2 ** 40;
        assert.equal((await service.generate({ prompt: "Hello" }).done).tokenIds.length, 6);
      },
      { poolBytes: 2 ** 30 },
    ));

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

  it("does not throw a working model out for a read ahead", () =>
    inService(async ({ service, runtime, folder }) => {
      const bob = await service.createAgent({ name: "Bob", modelDirectory: otherModel(folder) });
      await (await service.send(bob.id, { text: "Hello" })).done;
      await service.loadModel();
      const summary = await service.warmAgent(bob.id);
      assert.equal(summary.tier, "warm");
      assert.deepEqual(runtime.history, ["other", "-other", "starter"]);
    }));

  it("saves what is hot before it unloads", () =>
    inService(async ({ service }) => {
      const ada = await service.createAgent({ name: "Ada" });
      await (await service.send(ada.id, { text: "Remember this" })).done;
      await service.unloadModel();
      const [summary] = await service.listAgents();
      assert.equal(summary?.tier, "warm");
      assert.equal((await service.status()).engine.type, "idle");
      const { objects, bytes } = (await service.status()).store;
      assert.ok(objects > 0 && bytes > 0);
    }));

  it("loads a model anew after its device failed", () =>
    inService(async ({ service, runtime }) => {
      await service.loadModel();
      if (runtime.lastRunner) runtime.lastRunner.failNext = { in: "run", error: new Error("lost") };
      await assert.rejects(service.generate({ prompt: "Hello" }).done, /lost/);
      assert.equal((await service.generate({ prompt: "Hello" }).done).tokenIds.length, 6);
      assert.deepEqual(runtime.history, ["starter", "-starter", "starter"]);
    }));

  it("names a model that is not there, and stays usable with another", () =>
    inService(
      async ({ service, folder }) => {
        assert.equal((await service.status()).engine.type, "noModel");
        await assert.rejects(service.generate({ prompt: "Hello" }).done, { code: "MODEL_NOT_FOUND" });
        await assert.rejects(service.createAgent({ name: "Ada" }), { code: "MODEL_NOT_FOUND" });
        await service.chooseModel(otherModel(folder));
        assert.equal((await service.status()).engine.type, "idle");
        assert.equal((await service.generate({ prompt: "Hello" }).done).finishReason, "length");
      },
      { starterModel: "/nowhere" },
    ));

  it("lists its models, the starter first", () =>
    inService(async ({ service }) => {
      const models = await service.listModels();
      assert.deepEqual(
        models.map(({ name, isStarter }) => [name, isStarter]),
        [
          ["starter", true],
          ["other", false],
        ],
      );
    }));

  it("refuses a benchmark that it cannot run", () =>
    inService(async ({ service }) => {
      await assert.rejects(
        service.runBench("exp-005", () => {}),
        { code: "USAGE" },
      );
    }));
});

describe("the service without its addon", () => {
  const missing = new ResidentError("ADDON_MISSING", "there is no addon", "run set-up");

  it("shows transcripts, diagnoses itself, and refuses the rest with the reason", () =>
    inFolder(async (folder) => {
      await writeFakeModel(path.join(folder, "models", "starter"));
      const before = new LocalResidentService(optionsFor(folder), new FakeRuntime(new FakeLocks()), silentLog);
      const { id } = await before.createAgent({ name: "Ada" });
      await (await before.send(id, { text: "Hello" })).done;
      await before.dispose();

      const runtime = new FakeRuntime();
      runtime.addonError = missing;
      const service = new LocalResidentService(optionsFor(folder), runtime, silentLog);
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
