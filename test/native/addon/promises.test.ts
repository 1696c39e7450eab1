import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import type { BarePoolGeometry, NativeAddon, NativePool } from "../../../src/native/binding";
import { addonFile, loadAddon, platformName } from "../../../src/native/loader";
import { rejection, temporaryFolder } from "../../support/models/folders";
import { stageRoot } from "../../support/native/nativeRig";
import { writeRandomModel } from "../../support/native/randomModel";

/** 1 MB a block; nothing of it is touched, so it costs nothing. */
const geometryOf = (bytes: number): BarePoolGeometry => ({
  layers: 32,
  kvHeads: 8,
  headDim: 64,
  dtype: "f16",
  blocks: Math.floor(bytes / 2 ** 20),
  blockTokens: 16,
});

/** A process that shares the home and takes the pool, says so, and waits. */
function holder(home: string, directory: string, geometry: BarePoolGeometry): ChildProcess {
  const addon = JSON.stringify(path.join(stageRoot, platformName, addonFile));
  const script = `
    const addon = require(${addon});
    const options = ${JSON.stringify({ directory, device: "cpu", home })};
    addon.loadModel(options, () => {}).result
      .then(() => addon.createBarePool(${JSON.stringify(geometry)}))
      .then((pool) => { globalThis.kept = pool; process.stdout.write("granted"); });
    setInterval(() => {}, 1000);`;
  return spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
}

describe("Memory that is promised and not yet touched", function () {
  this.timeout(60_000);
  const folder = temporaryFolder();
  let addon: NativeAddon;
  let large: BarePoolGeometry;
  const pools: NativePool[] = [];
  before(async () => {
    addon = loadAddon(stageRoot);
    large = geometryOf((await addon.deviceInfo()).availableBytes * 0.7);
  });
  afterEach(() => Promise.all(pools.splice(0).map((pool) => pool.dispose())));

  const create = async (of = addon) => {
    const pool = await of.createBarePool(large);
    pools.push(pool);
    return pool;
  };

  it("is not granted a second time, by another addon of the process neither, until it is given back", async () => {
    const before = (await addon.deviceInfo()).availableBytes;
    const first = await create();
    const after = (await addon.deviceInfo()).availableBytes;
    assert.ok(after < before - first.bytes / 2, `${before} bytes were available, and then ${after}`);
    for (const other of [addon, loadAddon(stageRoot)]) {
      const { facts } = await rejection(
        create(other),
        "OUT_OF_MEMORY",
        /needs \d+ MB and \d+ MB are available; \d+ MB more are promised/,
      );
      assert.ok(Number(facts["promisedBytes"]) > first.bytes / 2);
    }
    await first.dispose();
    await create();
  });

  it("is not granted to another process of the same home, until the first one dies", async () => {
    const home = path.join(folder.path, "home");
    const directory = await writeRandomModel(path.join(folder.path, "model"));
    const child = holder(home, directory, large);
    try {
      assert.ok(child.stdout !== null);
      const [said] = await once(child.stdout, "data");
      assert.equal(String(said), "granted");
      await (await addon.loadModel({ directory, device: "cpu", home }, () => {}).result).dispose();
      await rejection(create(), "OUT_OF_MEMORY", /promised/);
    } finally {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    await create();
  });
});
