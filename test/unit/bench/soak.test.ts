import assert from "node:assert/strict";
import path from "node:path";
import { soakSuite } from "../../../src/bench/soak";
import { silentLog } from "../../../src/common/log";
import { createLocalService } from "../../../src/service/localService";
import { FakeRuntime, writeFakeModel } from "../../support/agents/fakeRuntime";
import { inFolder } from "../../support/store/fakes";

describe("The soak suite", function () {
  this.timeout(60_000);

  it("finds no answer that differs from the one alone, over a pool too small for its agents, and leaves nothing behind", () =>
    inFolder(async (folder) => {
      await writeFakeModel(path.join(folder, "models", "starter"));
      const service = createLocalService(
        {
          home: path.join(folder, "home"),
          starterModel: path.join(folder, "models", "starter"),
          nativeStage: path.join(folder, "stage"),
          modelFolders: [],
          poolBytes: 64 * 1024,
          blockTokens: 8,
          sampling: { maxTokens: 40 },
          storeQuotaBytes: 10_000_000,
        },
        new FakeRuntime(),
        silentLog,
      );
      try {
        const turns = { agents: 6, warmUpTurns: 10, turns: 24, together: 4 };
        const plan = { ...turns, answerTokens: 30, systemTokens: 1, samples: 10 };
        const [row] = await soakSuite(
          service,
          plan,
          () => 5e6,
        )({ onProgress: () => {}, signal: new AbortController().signal });
        assert.ok(row !== undefined);
        assert.equal(row["failures"], 0);
        assert.ok(row["residentBytes"] === 5e6 && row["bytesAHundredTurns"] === 0);
        assert.equal(row["mismatches"], 0);
        assert.ok(Number(row["compared"]) >= 3, String(row["compared"]));
        assert.ok(Number(row["forks"]) > 0 && Number(row["rewinds"]) > 0 && Number(row["stops"]) > 0);
        assert.deepEqual(await service.listAgents(), []);
      } finally {
        await service.dispose();
      }
    }));
});
