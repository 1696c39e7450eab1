import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import path from "node:path";
import { silentLog } from "../../../src/common/log";
import type { ResidentService } from "../../../src/protocol/service";
import { createLocalService } from "../../../src/service/localService";
import { FakeRuntime, writeFakeModel } from "../../support/agents/fakeRuntime";
import { rejection } from "../../support/models/folders";
import { FakeHub } from "../../support/models/hub/fakeHub";
import { fakeModel } from "../../support/models/hub/hubRig";
import { tinyGguf, wide } from "../../support/models/tinyGguf";
import { optionsFor, otherModel, writeFakeModels } from "../../support/service/serviceOptions";
import { inFolder } from "../../support/store/fakes";

function inService(body: (rig: { folder: string; runtime: FakeRuntime; service: ResidentService }) => Promise<void>) {
  return inFolder(async (folder) => {
    await writeFakeModels(folder);
    const runtime = new FakeRuntime();
    const service = createLocalService(optionsFor(folder), runtime, silentLog);
    try {
      await body({ folder, runtime, service });
    } finally {
      await service.dispose();
    }
  });
}

describe("Models of the service", () => {
  it("come from the hub, and are then in the list and can be used", () =>
    inService(async ({ folder, service }) => {
      const hub = await FakeHub.start();
      try {
        const model = fakeModel("maker/Model-4bit", 1000);
        const {
          "model-00001-of-00002.safetensors": weights,
          "model-00002-of-00002.safetensors": _,
          ...files
        } = model.files;
        hub.add({ ...model, files: { ...files, "model.safetensors": weights ?? "" }, large: ["model.safetensors"] });
        await service.setHubAccess({ endpoint: hub.url });
        const { models } = await service.searchHub("model");
        assert.deepEqual(models, [
          { name: "maker/Model-4bit", family: "llama", licence: "apache-2.0", gated: false, downloads: 7 },
        ]);
        const plan = await service.describeHubModel({ name: "maker/Model-4bit" });
        assert.deepEqual(
          [plan.family, plan.quantization, plan.licence, plan.contextTokens, plan.usesTools, plan.fit.verdict],
          ["llama", "4-bit", "apache-2.0", 128, true, "fits"],
        );
        const got = await service.getHubModel({ name: "maker/Model-4bit" }, () => {});
        assert.equal(got.directory, path.join(folder, "home", "models", "Model-4bit"));
        const listed = (await service.listModels()).find(({ directory }) => directory === got.directory);
        assert.deepEqual(
          [listed?.source, listed?.hubName, listed?.problem],
          ["downloaded", "maker/Model-4bit", undefined],
        );
      } finally {
        await hub.stop();
      }
    }));

  it("in GGUF come with what their import rounded", () =>
    inService(async ({ service }) => {
      const hub = await FakeHub.start();
      try {
        const gguf = tinyGguf({ sizes: wide, type: "Q4_K", embeddingType: "Q6_K" });
        hub.add({ name: "maker/Tiny-GGUF", files: { "tiny-Q4_K_M.gguf": gguf }, large: ["tiny-Q4_K_M.gguf"] });
        await service.setHubAccess({ endpoint: hub.url });
        const { name, rounded } = await service.getHubModel({ name: "maker/Tiny-GGUF" }, () => {});
        assert.equal(name, "Tiny-Q4_K_M");
        assert.deepEqual(
          rounded.map(({ type, bits, tensors }) => [type, bits, tensors]),
          [["Q6_K", 8, 1]],
        );
        assert.deepEqual((await service.getHubModel({ name: "maker/Tiny-GGUF" }, () => {})).rounded, []);
      } finally {
        await hub.stop();
      }
    }));

  it("are deleted when they are Resident's own: a loaded one is unloaded first, and its agents are named", () =>
    inService(async ({ folder, runtime, service }) => {
      const directory = await writeFakeModel(path.join(folder, "home", "models", "mine"));
      await service.createAgent({ name: "Ada", modelDirectory: directory });
      await service.chooseModel(directory);
      await service.loadModel();
      assert.deepEqual(
        (await service.listModels()).filter(({ isLoaded }) => isLoaded).map(({ name }) => name),
        ["mine"],
      );
      const { freedBytes, agents } = await service.deleteModel(directory);
      assert.deepEqual([agents, runtime.history, existsSync(directory)], [["Ada"], ["mine", "-mine"], false]);
      assert.ok(freedBytes > 0);
      const others = otherModel(folder);
      await rejection(
        service.deleteModel(others),
        "INVALID_REQUEST",
        /not a model that Resident imported or downloaded/,
      );
      await rejection(service.deleteModel(path.join(folder, "home")), "INVALID_REQUEST", /not a model/);
      assert.ok(existsSync(others));
    }));

  it("that are larger than the memory are refused before they are read, with both numbers and what fits", () =>
    inService(async ({ folder, runtime, service }) => {
      const directory = await writeFakeModel(path.join(folder, "home", "models", "huge"));
      runtime.memoryBytes = 10_000;
      await service.chooseModel(directory);
      await rejection(
        service.loadModel(),
        "OUT_OF_MEMORY",
        /huge has \d\d\.\d KB of weights and this machine has 9\.77 KB of memory/,
      );
      assert.deepEqual(runtime.history, []);
    }));
});
