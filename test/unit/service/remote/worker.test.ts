import assert from "node:assert/strict";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { silentLog } from "../../../../src/common/log";
import type { ServiceEvent } from "../../../../src/protocol/service";
import { createRemoteService } from "../../../../src/service/remote/client";
import { messagePort } from "../../../../src/service/remote/messagePort";
import { ServiceServer } from "../../../../src/service/remote/server";
import { workerPort } from "../../../../src/service/remote/workerPort";
import { FakeService } from "../../../support/extension/fakeService";

/** What ends the worker, by the directory of the model that is to be inspected. */
const endings: Readonly<Record<string, () => void>> = {
  throws: () =>
    void setImmediate(() => {
      throw new Error("a bug");
    }),
  exits: () => process.exit(3),
  "runs out of memory": () => {
    const kept: unknown[] = [];
    for (;;) kept.push(new Array(100_000).fill(kept.length));
  },
  hangs: () => {
    for (;;);
  },
};

class EndingService extends FakeService {
  override async inspectModel(directory = ""): Promise<never> {
    endings[directory]?.();
    return new Promise(() => {});
  }
}

/** This file is what the worker runs, too. */
function start() {
  const worker = new Worker(__filename, { workerData: "serve", resourceLimits: { maxOldGenerationSizeMb: 32 } });
  const client = createRemoteService(workerPort(worker), silentLog);
  const heard: ServiceEvent[] = [];
  client.onEvent((event) => heard.push(event));
  return { client, heard };
}

function describeEndings(): void {
  describe("a core in a worker thread", function () {
    this.timeout(20_000);

    for (const [how, reason] of [
      ["throws", /a bug/],
      ["exits", /code 3/],
      ["runs out of memory", /memory/],
    ] as const) {
      it(`that ${how} fails what was asked for, and this thread goes on`, async () => {
        const { client, heard } = start();
        const { id } = await client.createAgent({ name: "Ada" });
        const running = await client.send(id, { text: "Hello" });
        await assert.rejects(client.inspectModel(how), (error: { code?: unknown; facts?: { reason?: unknown } }) => {
          assert.equal(error.code, "ENGINE_ENDED");
          assert.match(String(error.facts?.reason), reason);
          return true;
        });
        await assert.rejects(running.done, { code: "ENGINE_ENDED" });
        assert.equal(heard.at(-1)?.type, "ended");
        await client.dispose(1000);
      });
    }

    it("that hangs is ended in time", async () => {
      const { client, heard } = start();
      await client.listAgents();
      const hanging = client.inspectModel("hangs");
      hanging.catch(() => {}); // it is looked at below
      await client.dispose(50);
      await assert.rejects(hanging, { code: "ABORTED" });
      assert.deepEqual(heard, []);
    });
  });
}

if (isMainThread) describeEndings();
else if (parentPort !== null && workerData === "serve") {
  new ServiceServer(messagePort(parentPort), () => new EndingService());
}
