import assert from "node:assert/strict";
import path from "node:path";
import { silentLog } from "../../../src/common/log";
import type { ResidentService, ServiceEvent } from "../../../src/protocol/service";
import { startCoreThread } from "../../../src/service/remote/startCoreThread";
import { temporaryFolder } from "../../support/models/folders";
import { starterModel } from "../../support/models/starterModel";
import { coreFile, nativeStage } from "../../support/native/coreThread";

const story = { text: "Write a long story about the sea.", sampling: { temperature: 0, maxTokens: 1000 } };

describe("The core in a thread of its own, as the extension starts it", () => {
  const folder = temporaryFolder();
  const started: ResidentService[] = [];
  // A core that a failed test leaves would keep this process alive.
  afterEach(() => Promise.all(started.splice(0).map((core) => core.dispose(0))));

  function start(file = coreFile, change: { readonly poolBytes?: number } = {}) {
    const core = startCoreThread(
      file,
      {
        home: path.join(folder.path, "home"),
        starterModel,
        nativeStage,
        modelFolders: [],
        poolBytes: change.poolBytes ?? 128 * 2 ** 20,
        blockTokens: 64,
        sampling: { temperature: 0, maxTokens: 1000 },
        storeQuotaBytes: 2 ** 30,
      },
      silentLog,
    );
    started.push(core);
    return core;
  }

  it("is ended in the middle of an answer, within its time, and the next one goes on from what was said", async () => {
    const first = start();
    const { id } = await first.createAgent({ name: "Ada" });
    const running = await first.send(id, story);
    let said = 0;
    await new Promise<void>((resolve) => {
      running.onEvent((event) => {
        if (event.type === "text" && ++said === 8) resolve();
      });
    });
    await first.dispose(4000);
    assert.equal((await running.done).finishReason, "aborted");

    const second = start();
    const { turns } = await second.getAgent(id);
    assert.ok((turns[0]?.answer.length ?? 0) > 0);
    const sampling = { temperature: 0, maxTokens: 4 };
    const { figures } = await (await second.send(id, { text: "Go on.", sampling })).done;
    assert.equal(figures.cache.tier, "warm");
    await second.dispose(4000);
  });

  it("leaves its agents free when it is ended without a word", async () => {
    const first = start();
    const { id } = await first.createAgent({ name: "Grace" });
    const running = await first.send(id, story);
    running.done.catch(() => {}); // it is looked at below
    await new Promise((resolve) => running.onEvent((event) => event.type === "text" && resolve(undefined)));
    await first.dispose(0);

    const second = start();
    const [summary] = (await second.listAgents()).filter((agent) => agent.id === id);
    assert.equal(summary?.lockedElsewhere, false);
    const sampling = { temperature: 0, maxTokens: 4 };
    assert.equal((await (await second.send(id, { text: "Hello", sampling })).done).finishReason, "length");
    await second.dispose();
  });

  it("fails with what is wrong where its bundle is not there", async () => {
    const core = start(path.join(folder.path, "nowhere.js"));
    const heard: ServiceEvent[] = [];
    core.onEvent((event) => heard.push(event));
    await assert.rejects(core.status(), { code: "ENGINE_ENDED" });
    assert.equal(heard.at(-1)?.type, "ended");
    await core.dispose();
  });
});
