import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import type { ResidentError } from "../../../src/common/errors";
import type { Log } from "../../../src/common/log";
import type { GenerateRequest, ResidentService, ServiceOptions } from "../../../src/protocol/service";
import { createLocalService } from "../../../src/service/localService";
import { FakeRuntime } from "../../support/agents/fakeRuntime";
import { optionsFor, writeFakeModels } from "../../support/service/serviceOptions";
import { inFolder } from "../../support/store/fakes";

interface Rig {
  readonly folder: string;
  readonly runtime: FakeRuntime;
  readonly service: ResidentService;
  readonly logged: readonly string[];
}

/** `poolBytes: undefined` leaves the size to the service. */
type Change = Partial<Omit<ServiceOptions, "poolBytes">> & { readonly poolBytes?: number | undefined };

function inService(body: (rig: Rig) => Promise<void>, change: Change = {}): Promise<void> {
  return inFolder(async (folder) => {
    await writeFakeModels(folder);
    const runtime = new FakeRuntime();
    const logged: string[] = [];
    const log: Log = { log: (_, message) => logged.push(message) };
    const { poolBytes, ...others } = { ...optionsFor(folder), ...change };
    const options = poolBytes === undefined ? others : { ...others, poolBytes };
    const service = createLocalService(options, runtime, log);
    try {
      await body({ folder, runtime, service, logged });
    } finally {
      await service.dispose();
    }
  });
}

describe("what the service does where nobody says otherwise", function () {
  this.timeout(20_000);

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
});
