import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { MessageChannel } from "node:worker_threads";
import { silentLog } from "../../../../src/common/log";
import type { ServiceEvent } from "../../../../src/protocol/service";
import { createRemoteService } from "../../../../src/service/remote/client";
import { messagePort } from "../../../../src/service/remote/messagePort";
import { ServiceServer } from "../../../../src/service/remote/server";
import { SampleService, sampleCalls, serviceEvents } from "../../../support/service/sampleService";

describe("what crosses the door", () => {
  function connect() {
    const core = new SampleService();
    const { port1, port2 } = new MessageChannel();
    new ServiceServer(messagePort(port1), () => core);
    return { core, client: createRemoteService(messagePort(port2), silentLog) };
  }

  for (const [method, call] of Object.entries(sampleCalls)) {
    it(`is plain data both ways: ${method}`, async () => {
      const here = new SampleService();
      const { core, client } = connect();
      const expected = await call(here);
      assert.deepEqual(structuredClone(expected), expected);
      assert.deepEqual(await call(client), expected);
      assert.deepEqual(structuredClone(here.asked), here.asked);
      assert.deepEqual(core.asked, here.asked);
      await client.dispose();
    });
  }

  it("is plain data: every event", async () => {
    const { core, client } = connect();
    const heard: ServiceEvent[] = [];
    client.onEvent((event) => heard.push(event));
    core.fireAll();
    while (heard.length < serviceEvents.length) await setImmediate();
    assert.deepEqual(heard, serviceEvents);
    await client.dispose();
  });
});
