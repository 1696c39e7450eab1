import assert from "node:assert/strict";
import fc from "fast-check";
import { resolveSampling, type SamplingLayers, toSamplingParams } from "../../../src/agents/sampling";
import { samplingRanges } from "../../../src/common/samplingRanges";
import type { AgentSampling, SamplingOptions } from "../../../src/protocol/service";
import { AgentRig } from "../../support/agents/agentRig";
import { inFolder } from "../../support/store/fakes";

const layerNames = ["request", "agent", "settings", "model"] as const;
const fields = ["temperature", "topK", "topP", "minP", "repetitionPenalty", "seed", "maxTokens"] as const;

/** Each field said by some of the layers, each with a value of its own; `undefined` says nothing. */
const someLayers: fc.Arbitrary<SamplingLayers> = fc
  .record(
    Object.fromEntries(
      layerNames.map((layer, index) => [
        layer,
        fc.option(
          fc.record(
            Object.fromEntries(fields.map((field) => [field, fc.constantFrom(undefined, index + 10, index + 20)])),
            { requiredKeys: [] },
          ),
          { nil: undefined },
        ),
      ]),
    ),
  )
  .map((layers) => layers as SamplingLayers);

describe("how an answer is sampled", () => {
  it("is decided field by field: request, agent, settings, model, and then this program", () => {
    fc.assert(
      fc.property(someLayers, (layers) => {
        const resolved = resolveSampling(layers);
        for (const field of fields) {
          const said = layerNames.map((name) => layers[name]?.[field]).find((value) => value !== undefined);
          assert.equal(resolved[field], said ?? resolveSampling({})[field], field);
        }
      }),
    );
  });

  it("is this program's own where nobody says anything: no penalty, as long as fits, a seed of its own", () => {
    assert.deepEqual(resolveSampling({}), {
      temperature: 0.7,
      topK: 0,
      topP: 0.95,
      minP: 0,
      repetitionPenalty: 1,
      presencePenalty: 0,
      frequencyPenalty: 0,
    });
    assert.equal(toSamplingParams(resolveSampling({}), () => 77).seed, 77);
    assert.equal(toSamplingParams(resolveSampling({ agent: { seed: 5 } }), () => 77).seed, 5);
  });

  it("is our temperature where a greedy model answers again, unless a person has set one", () => {
    const model = { temperature: 0, topP: 0.8 };
    assert.equal(resolveSampling({ model }).temperature, 0);
    const { temperature, topP } = resolveSampling({ model, again: true });
    assert.deepEqual([temperature, topP], [0.7, 0.8]);
    for (const layer of ["request", "agent", "settings"]) {
      assert.equal(resolveSampling({ model, again: true, [layer]: { temperature: 0 } }).temperature, 0);
    }
    assert.equal(resolveSampling({ model: { temperature: 0.3 }, again: true }).temperature, 0.3);
  });

  it("is another one when a greedy model answers again", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home, { modelSampling: { temperature: 0 }, isUnset: true });
      const id = await rig.create();
      const first = await rig.ask(id, "Hello", { maxTokens: 8 });
      const again = await rig.over(id, await rig.agents.regenerate(id, undefined, { seed: 4, maxTokens: 8 }));
      assert.notDeepEqual(again.tokenIds, first.tokenIds);
      const greedy = { temperature: 0, maxTokens: 8 };
      const same = await rig.over(id, await rig.agents.regenerate(id, undefined, greedy));
      assert.deepEqual(same.tokenIds, first.tokenIds);
    }));

  it("takes zeros for what they are", () => {
    const model = { temperature: 0.6, topK: 20, topP: 0.8, minP: 0.1 };
    const zeros = { temperature: 0, topK: 0, topP: 0, minP: 0, seed: 0 };
    const { temperature, topK, topP, minP, seed } = resolveSampling({ request: zeros, model });
    assert.deepEqual({ temperature, topK, topP, minP, seed }, zeros);
  });
});

const model: SamplingOptions = { temperature: 0.6, topK: 20, topP: 0.8, minP: 0.1 };

/** What the device got for the last answer. */
function used(rig: AgentRig) {
  const rows = rig.runner.batches.flatMap((batch) => batch.rows).filter((row) => row.wantToken);
  const row = rows.at(-1);
  assert.ok(row);
  return row.sampling;
}

describe("an agent's sampling", function () {
  this.timeout(20_000);

  it("is the model's where nobody says anything else, and each word before it counts", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home, { modelSampling: model, settings: { temperature: 0.3, maxTokens: 4 } });
      const id = await rig.create();
      await rig.ask(id, "Hello");
      assert.deepEqual([used(rig).temperature, used(rig).topK, used(rig).topP], [0.3, 20, 0.8]);
      await rig.agents.setSampling(id, { topK: 7, maxTokens: 2 });
      const done = await rig.ask(id, "Again");
      assert.deepEqual([used(rig).temperature, used(rig).topK, used(rig).topP], [0.3, 7, 0.8]);
      assert.equal(done.tokenIds.length, 2);
      const asked = await rig.ask(id, "And", { topK: 3, maxTokens: 3 });
      assert.deepEqual([used(rig).topK, asked.tokenIds.length], [3, 3]);
    }));

  it("makes no turn too long: what is asked for beyond the context or the pool is cut to what is left", () =>
    inFolder(async (home) => {
      for (const size of [{ contextTokens: 60 }, { totalBlocks: 6 }]) {
        const rig = new AgentRig(home, { contextTokens: 100_000, ...size });
        const done = await rig.ask(await rig.create(`bounded by ${Object.keys(size).join()}`), "Hello", {
          maxTokens: 100_000,
        });
        assert.equal(done.finishReason, "length");
        const { promptTokens, generatedTokens } = done.figures;
        const { blockTokens, totalBlocks } = rig.session.engine.pool;
        assert.equal(
          promptTokens + generatedTokens,
          Math.min(rig.session.contextTokens, totalBlocks * blockTokens + 1),
        );
        await rig.agents.close();
      }
    }));

  it("is used when an answer is asked for again", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      await rig.ask(id, "Hello");
      await rig.agents.setSampling(id, { minP: 0.25 });
      await rig.over(id, await rig.agents.regenerate(id));
      assert.equal(used(rig).minP, 0.25);
    }));

  it("is kept on disk, shown in its summary, inherited by forks, and gone when nothing is left of it", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      const own: AgentSampling = { temperature: 0.2, repetitionPenalty: 1.1, seed: 3, maxTokens: 5 };
      assert.equal("sampling" in (await rig.agents.get(id)), false);
      assert.deepEqual((await rig.agents.setSampling(id, own)).sampling, own);
      await rig.ask(id, "Hello");
      const fork = await rig.agents.fork(id, "Copy");
      assert.deepEqual(fork.sampling, own);
      await rig.agents.setSampling(id, {});
      assert.equal("sampling" in (await rig.agents.get(id)), false);
      await rig.agents.close();
      const later = new AgentRig(home);
      assert.deepEqual((await later.agents.get(fork.id)).sampling, own);
      assert.equal((await later.ask(fork.id, "Go on")).tokenIds.length, 5);
      assert.equal(used(later).temperature, 0.2);
      await later.agents.close();
    }));

  it("refuses values out of the table's ranges, and names the range", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      for (const name of ["temperature", "topK", "topP", "minP", "repetitionPenalty", "seed"] as const) {
        const { min, max } = samplingRanges[name];
        await assert.rejects(rig.agents.setSampling(id, { [name]: min - 1 }), (error: Error & { advice?: string }) => {
          assert.match(error.message, new RegExp(name));
          assert.ok(error.advice?.includes(`from ${min} to ${max}`), error.advice);
          return true;
        });
        assert.equal((await rig.agents.setSampling(id, { [name]: max })).sampling?.[name], max);
      }
      await assert.rejects(rig.agents.setSampling(id, { topK: 1.5 }), { code: "INVALID_REQUEST" });
      await assert.rejects(rig.agents.setSampling(id, { maxTokens: 0 }), { code: "INVALID_REQUEST" });
      // What another process sends is no more than data.
      await assert.rejects(rig.agents.setSampling(id, JSON.parse('{"stop":["x"]}')), /stop/);
    }));

  it("believes of a stored one only what it knows and can use", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home, { modelSampling: model });
      const writer = await rig.store.create({
        name: "Ada",
        modelDirectory: "/models/fake",
        modelName: "fake",
        contextTokens: 512,
        system: "",
      });
      writer.change({ sampling: { topK: -3, minP: 0.2, warmth: 7 } });
      await writer.commit();
      await writer.close();
      const { id } = writer.manifest;
      assert.deepEqual((await rig.agents.get(id)).sampling, { minP: 0.2 });
      await rig.ask(id, "Hello");
      assert.deepEqual([used(rig).topK, used(rig).minP], [20, 0.2]);
    }));
});
