import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { resumeSuite } from "../../../src/bench/resume";
import { silentLog } from "../../../src/common/log";
import { createLocalService } from "../../../src/service/localService";
import { nativeRuntime } from "../../../src/service/nativeRuntime";
import { temporaryFolder } from "../../support/models/folders";
import { starterModel } from "../../support/models/starterModel";
import { nativeStage } from "../../support/native/coreThread";

const sampling = { temperature: 0, maxTokens: 4 };

describe("A benchmark on the real device", () => {
  const folder = temporaryFolder();

  it("shows no agent of its own, leaves nothing, and brings back the agents that were hot", async () => {
    const home = path.join(folder.path, "home");
    const service = createLocalService(
      {
        home,
        starterModel,
        nativeStage,
        modelFolders: [],
        poolBytes: 64 * 2 ** 20,
        blockTokens: 64,
        storeQuotaBytes: 2 ** 30,
      },
      nativeRuntime(nativeStage),
      silentLog,
      () => ({ resume: (world) => resumeSuite(world.service, { contexts: [256], repeats: 1 }) }),
    );
    try {
      const { id } = await service.createAgent({ name: "Ada", system: "You answer in one word. ".repeat(20) });
      await (await service.send(id, { text: "Hello", sampling })).done;
      const { hotTokens } = await service.saveAgent(id);
      const { objects } = (await service.status()).store;
      const looks: Promise<number>[] = [];
      const { rows } = await service.runBench("resume", () => {
        looks.push(service.listAgents().then((agents) => agents.length));
      });
      assert.deepEqual(
        rows.map((row) => row["tier"]),
        ["cold", "hot", "warm"],
      );
      assert.deepEqual(new Set(await Promise.all(looks)), new Set([1]));
      assert.deepEqual(await readdir(path.join(home, "bench", "scratch")), []);
      // The suite has unloaded the model once: what Ada had comes from disk.
      const isBack = async () => {
        const agent = await service.getAgent(id);
        return agent.state === "idle" && agent.hotTokens >= hotTokens;
      };
      for (let left = 200; !(await isBack()); left -= 1) {
        assert.ok(left > 0, "Ada is not hot again");
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      assert.equal((await service.status()).store.objects, objects);
      const { figures } = await (await service.send(id, { text: "And?", sampling })).done;
      assert.ok(figures.reusedTokens >= hotTokens - 1, `${figures.reusedTokens} of ${hotTokens}`);
    } finally {
      await service.dispose();
    }
  }).timeout(60_000);
});
