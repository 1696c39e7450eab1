import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { silentLog } from "../../../src/common/log";
import { ShownAgent } from "../../../src/extension/agents/shownAgent";
import { ServiceHandle } from "../../../src/extension/engine/serviceHandle";
import { FakeService } from "../../support/extension/fakeService";

describe("an agent that a panel shows", () => {
  it("is told to the core once, to each that replaces it, and taken back at the end", async () => {
    const made: FakeService[] = [];
    const service = new ServiceHandle(async () => {
      const fake = new FakeService();
      made.push(fake);
      return fake;
    }, silentLog);
    const panel = new ShownAgent("a", service, (error) => assert.fail(String(error)));
    await setImmediate();
    assert.deepEqual(made[0]?.shown, [{ id: "a", shown: true }]);
    await service.restart(1000);
    await setImmediate();
    assert.deepEqual(made[1]?.shown, [{ id: "a", shown: true }]);
    panel.dispose();
    await setImmediate();
    assert.deepEqual(made[1]?.shown.at(-1), { id: "a", shown: false });
    await service.restart(1000);
    await service.get();
    await setImmediate();
    assert.deepEqual(made[2]?.shown, []);
  });
});
