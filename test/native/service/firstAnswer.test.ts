import assert from "node:assert/strict";
import path from "node:path";
import { silentLog } from "../../../src/common/log";
import { samplingOf } from "../../../src/extension/engine/answerSettings";
import { startCoreThread } from "../../../src/service/remote/startCoreThread";
import { temporaryFolder } from "../../support/models/folders";
import { starterModel } from "../../support/models/starterModel";
import { coreFile, nativeStage } from "../../support/native/coreThread";

describe("The first answer of a new installation", () => {
  const folder = temporaryFolder();

  it("is right, whatever the seed: the starter model with default settings, asked as a chat asks", async () => {
    const service = startCoreThread(
      coreFile,
      {
        home: path.join(folder.path, "home"),
        starterModel,
        nativeStage,
        modelFolders: [],
        poolBytes: 128 * 2 ** 20,
        blockTokens: 64,
        // No setting is set.
        sampling: samplingOf(() => undefined),
        storeQuotaBytes: 2 ** 30,
      },
      silentLog,
    );
    try {
      for (const seed of [undefined, 1, 2, 3, 4, 5]) {
        const { id } = await service.createAgent({ name: `Agent ${seed ?? ""}` });
        const sampling = seed === undefined ? {} : { seed };
        const running = await service.send(id, { text: "What is the capital of France?", sampling });
        assert.equal((await running.done).text, "The capital of France is Paris.");
      }
    } finally {
      await service.dispose(4000);
    }
  });
});
