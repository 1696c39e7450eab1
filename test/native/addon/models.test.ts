import assert from "node:assert/strict";
import { mkdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import path from "node:path";
import { kvHeadBytes } from "../../../src/common/kvDtypes";
import type { LoadProgress, NativeAddon } from "../../../src/native/binding";
import { loadAddon } from "../../../src/native/loader";
import { changeWeights } from "../../support/models/changedWeights";
import { rejection, temporaryFolder } from "../../support/models/folders";
import { specialFiles } from "../../support/models/specialFiles";
import { stageRoot } from "../../support/native/nativeRig";
import { randomModelConfig, writeRandomModel } from "../../support/native/randomModel";

describe("Loading a model", () => {
  const folder = temporaryFolder();
  let addon: NativeAddon;
  before(() => {
    addon = loadAddon(stageRoot);
  });
  const load = (directory = folder.path, onProgress: (progress: LoadProgress) => void = () => {}) =>
    addon.loadModel({ directory, device: "cpu" }, onProgress).result;

  it("says what it is", async () => {
    const model = await load(await writeRandomModel(folder.path));
    const { weightsId, architectureId, numericsId, kvLayoutId, ops, cpuLevel, cpuThreads, stepWeightBytes, ...info } =
      model.info;
    const kvDtype = ops === "cpu" ? "f16" : "f32";
    assert.deepEqual(info, {
      architecture: "llama",
      numLayers: 2,
      numHeads: 4,
      numKvHeads: 2,
      headDim: 8,
      vocabSize: 50,
      maxContextTokens: 256,
      weightBytes: 4 * (50 * 32 + 2 * (2 * 32 + 2 * 32 * 32 + 2 * 16 * 32 + 3 * 32 * 48) + 32),
      kvDtype,
      kvBytesPerToken: 2 * 2 * 2 * kvHeadBytes(kvDtype, 8),
      device: "cpu",
    });
    // Every matrix once, the tied head included; padding of the CPU kernels' panels on top.
    assert.ok(stepWeightBytes >= 4 * (50 * 32 + 2 * (2 * 32 * 32 + 2 * 16 * 32 + 3 * 32 * 48)));
    assert.match(weightsId, /^[0-9a-f]{32}$/);
    if (ops === "mlx") {
      assert.match(numericsId, /^ops_mlx-\d+\/mlx-[\d.]+\/cpu-(x64|arm64)$/);
      assert.equal(kvLayoutId, "token-major-1");
    } else {
      assert.match(numericsId, /^ops_cpu-\d+$/);
      assert.equal(kvLayoutId, "head-major-kt-1");
      assert.match(cpuLevel ?? "", /^[a-z0-9]+$/);
      assert.ok((cpuThreads ?? 0) >= 1);
    }
    assert.equal(JSON.parse(architectureId).theta, 10000);
    await model.dispose();
  });

  it("reports progress up to the end", async () => {
    const seen: LoadProgress[] = [];
    const model = await load(await writeRandomModel(folder.path), (progress) => seen.push(progress));
    assert.ok(seen.length > 1);
    assert.equal(seen.at(-1)?.bytesRead, seen.at(-1)?.bytesTotal);
    assert.equal(seen.at(-1)?.bytesTotal, model.info.weightBytes);
    await model.dispose();
  });

  it("computes another id when a byte was changed in place, behind a tensor's first 4 KB, and time and length were kept", async () => {
    await writeRandomModel(folder.path);
    const id = async () => {
      const model = await load();
      await model.dispose();
      return model.info.weightsId;
    };
    const before = await id();
    assert.equal(await id(), before);
    await changeWeights(folder.path);
    const changed = await id();
    assert.notEqual(changed, before);
    await changeWeights(folder.path);
    assert.equal(await id(), before);
  });

  it("knows the id of weights that nobody has written to since a load, without reading them", async () => {
    const directory = await writeRandomModel(path.join(folder.path, "model"));
    const home = path.join(folder.path, "some", "home");
    const loadedId = async () => {
      const model = await addon.loadModel({ directory, device: "cpu", home }, () => {}).result;
      await model.dispose();
      return model.info.weightsId;
    };
    // A file that was written a moment ago may be written again within the same tick of its clock.
    await loadedId();
    assert.equal(await addon.weightsId(directory, home), undefined);
    await new Promise((resolve) => setTimeout(resolve, 2100));
    const id = await loadedId();
    assert.equal(await addon.weightsId(directory, home), id);
    await changeWeights(directory);
    assert.equal(await addon.weightsId(directory, home), undefined);
    assert.notEqual(await loadedId(), id);
    await rejection(addon.weightsId(path.join(folder.path, "none"), home), "MODEL_NOT_FOUND", /none/);
  });

  it("refuses a second model while the first is loaded, and takes it afterwards", async () => {
    const model = await load(await writeRandomModel(folder.path));
    await rejection(load(), "INVALID_REQUEST", /already/);
    await model.dispose();
    await (await load()).dispose();
  });

  it("can be cancelled", async () => {
    await writeRandomModel(folder.path);
    const task = addon.loadModel({ directory: folder.path, device: "cpu" }, () => {});
    task.cancel();
    await rejection(task.result, "ABORTED", /cancelled/);
    await (await load()).dispose();
  });

  it("tells missing, empty, half-downloaded and damaged folders apart", async () => {
    await rejection(load(path.join(folder.path, "none")), "MODEL_NOT_FOUND", /none/);
    await mkdir(path.join(folder.path, "empty"));
    await rejection(load(path.join(folder.path, "empty")), "MODEL_INCOMPLETE", /config\.json/);
    await writeRandomModel(folder.path);
    const weights = path.join(folder.path, "model.safetensors");
    const whole = await readFile(weights);
    await truncate(weights, whole.length - 1);
    await rejection(load(), "MODEL_INCOMPLETE", /incomplete/);
    await writeFile(weights, Buffer.from(whole).fill(0x7b, 8, 40));
    await rejection(load(), "MODEL_CORRUPT", /damaged/);
    await rm(weights);
    await rejection(load(), "MODEL_INCOMPLETE", /model\.safetensors/);
  });

  it("refuses what is no regular file in place of its files, and waits for nobody", async () => {
    for (const name of ["config.json", "model.safetensors", "model.safetensors.index.json"]) {
      for (const [kind, put] of Object.entries(specialFiles)) {
        const directory = await writeRandomModel(path.join(folder.path, `${kind} ${name}`));
        await rm(path.join(directory, name), { force: true });
        await put(path.join(directory, name));
        await rejection(load(directory), "IO_FAILURE", /is not a regular file/);
      }
    }
  });

  it("names what it does not compute", async () => {
    await writeRandomModel(folder.path);
    const change = (config: object) =>
      writeFile(path.join(folder.path, "config.json"), JSON.stringify({ ...randomModelConfig, ...config }));
    await change({ model_type: "mamba" });
    await rejection(load(), "MODEL_UNSUPPORTED", /mamba/);
    await change({ rope_scaling: { type: "spiral" } });
    await rejection(load(), "MODEL_UNSUPPORTED", /spiral/);
    await change({ num_hidden_layers: 3 });
    const { facts } = await rejection(load(), "MODEL_INCOMPLETE", /model\.layers\.2/);
    assert.equal(facts["tensor"], "model.layers.2.input_layernorm.weight");
    await change({ intermediate_size: 64 });
    await rejection(load(), "MODEL_CORRUPT", /config asks for/);
  });

  it("ends its context with a window that all layers have", async () => {
    await writeRandomModel(folder.path);
    const config = { ...randomModelConfig, model_type: "mistral", sliding_window: 64 };
    await writeFile(path.join(folder.path, "config.json"), JSON.stringify(config));
    const model = await load();
    assert.equal(model.info.maxContextTokens, 64);
    await model.dispose();
  });

  it("describes the device without a model", async () => {
    assert.ok((await addon.readBandwidth(1)) > 1e8);
    await rejection(addon.readBandwidth(-1), "INVALID_REQUEST", /threads/);
    assert.ok((await addon.samplingMs(8, 50_000, 0)) > 0);
    await rejection(addon.samplingMs(0, 50_000, 0), "INVALID_REQUEST", /rows/);
    await rejection(addon.samplingMs(8, 2 ** 30, 0), "INVALID_REQUEST", /words/);
    const device = await addon.deviceInfo();
    assert.ok(device.memoryBytes >= device.availableBytes && device.availableBytes > 0);
    assert.ok(device.name.length > 0);
    assert.equal(addon.versions().platform, `${process.platform}-${process.arch}`);
  });
});
