import assert from "node:assert/strict";
import { EngineEndedError } from "../../../src/common/errors";
import { silentLog } from "../../../src/common/log";
import { ServiceHandle } from "../../../src/extension/engine/serviceHandle";
import type { ServiceEvent } from "../../../src/protocol/service";
import { FakeService } from "../../support/extension/fakeService";

describe("the service handle", () => {
  const ended: ServiceEvent = { type: "ended", error: new EngineEndedError("its thread ended with code 134").toInfo() };

  function handle() {
    const made: FakeService[] = [];
    const clock = { ms: 0 };
    const service = new ServiceHandle(
      async () => {
        const fake = new FakeService();
        made.push(fake);
        return fake;
      },
      silentLog,
      () => clock.ms,
    );
    return { service, made, clock };
  }

  it("makes the service on first need, and once", async () => {
    const { service, made } = handle();
    assert.equal(service.started, false);
    const [first, second] = await Promise.all([service.get(), service.get()]);
    assert.equal(first, second);
    assert.equal(made.length, 1);
  });

  it("forwards events of whichever service runs, across a restart", async () => {
    const { service, made } = handle();
    const heard: ServiceEvent["type"][] = [];
    service.onEvent(({ type }) => heard.push(type));
    await service.get();
    made[0]?.fire({ type: "agent", id: "a" });
    await service.restart(1000);
    assert.equal(made[0]?.disposed, true);
    await service.get();
    made[0]?.fire({ type: "agent", id: "stale" });
    made[1]?.fire({ type: "engine", state: { type: "idle" } });
    assert.deepEqual(heard, ["agent", "engine"]);
  });

  it("tells listeners of a restart when the old service has ended", async () => {
    const { service, made } = handle();
    await service.get();
    let disposedThen: boolean | undefined;
    service.onRestart(() => {
      disposedThen = made[0]?.disposed;
    });
    await service.restart(1000);
    assert.equal(disposedThen, true);
  });

  it("tries again after a start that failed", async () => {
    let attempts = 0;
    const service = new ServiceHandle(async () => {
      if (++attempts === 1) throw new Error("not yet");
      return new FakeService();
    }, silentLog);
    await assert.rejects(service.get(), /not yet/);
    await service.get();
    assert.equal(attempts, 2);
  });

  it("starts nothing to shut down, and nothing after it", async () => {
    const { service, made } = handle();
    await service.shutDown(1000);
    assert.equal(made.length, 0);
    await assert.rejects(service.get(), /shutting down/);
  });

  it("ends a service that was still starting when the window closed", async () => {
    const fake = new FakeService();
    let begun = () => {};
    let finish = () => {};
    const beginning = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const service = new ServiceHandle(async () => {
      begun();
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      return fake;
    }, silentLog);
    const starting = service.get();
    await beginning;
    const ending = service.shutDown(1000);
    finish();
    await Promise.all([starting, ending]);
    assert.equal(fake.disposed, true);
  });

  it("starts a new core with the next call when one has ended, and tells listeners then", async () => {
    const { service, made } = handle();
    const heard: string[] = [];
    service.onEvent(({ type }) => heard.push(type));
    service.onRestart(() => heard.push("restart"));
    await service.get();
    made[0]?.fire(ended);
    assert.deepEqual([service.started, made.length, made[0]?.disposed], [false, 1, true]);
    assert.deepEqual(heard, ["ended"]);
    assert.equal(await service.get(), made[1]);
    assert.deepEqual(heard, ["ended", "restart"]);
    made[0]?.fire(ended);
    assert.equal(await service.get(), made[1]);
  });

  it("starts no core by itself when they keep ending, until a person restarts it", async () => {
    const { service, made, clock } = handle();
    await service.get();
    made[0]?.fire(ended);
    await service.get();
    clock.ms += 59_000;
    made[1]?.fire(ended);
    await assert.rejects(service.get(), { code: "ENGINE_ENDED" });
    assert.equal(made.length, 2);
    await service.restart(1000);
    assert.equal(await service.get(), made[2]);
    clock.ms += 60_000;
    made[2]?.fire(ended);
    assert.equal(await service.get(), made[3]);
  });
});
