import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { ResidentError } from "../../../../src/common/errors";
import type { GenerationEvent, Progress, ServiceEvent } from "../../../../src/protocol/service";
import { record } from "../../../support/agents/agentRig";
import { FakeRunning, FakeService, figures } from "../../../support/extension/fakeService";
import { RemoteRig } from "../../../support/service/remoteRig";

const text = (added: string): GenerationEvent => ({ type: "text", text: added, figures });

/** Waits for work that the rig must be settled for. */
async function settled<T>(rig: RemoteRig, work: Promise<T>): Promise<T> {
  work.catch(() => {}); // it is looked at below
  await rig.settle();
  return work;
}

describe("the client of a core behind a port", () => {
  /** An agent that answers "Hello". */
  async function asked() {
    const core = new FakeService();
    const { id } = await core.createAgent({ name: "Ada" });
    const rig = new RemoteRig(core);
    const running = await settled(rig, rig.client.send(id, { text: "Hello" }));
    return { core, id, rig, running, answer: core.answerOf(id) };
  }

  it("gets a failure as it was thrown, and one that is not ours as INTERNAL with a line in the log", async () => {
    class FailingService extends FakeService {
      override async unloadModel(): Promise<void> {
        throw new TypeError("a bug");
      }
    }
    const rig = new RemoteRig(new FailingService());
    await assert.rejects(settled(rig, rig.client.getAgent("nobody")), (error: unknown) => {
      assert.ok(error instanceof ResidentError);
      assert.deepEqual([error.code, error.advice], ["AGENT_NOT_FOUND", "choose another"]);
      return true;
    });
    assert.equal(rig.lines.length, 0);
    await assert.rejects(settled(rig, rig.client.unloadModel()), { code: "INTERNAL", what: "a bug" });
    const [line] = rig.lines;
    assert.deepEqual([line?.level, line?.message.startsWith("unloadModel: TypeError: a bug\n")], ["error", true]);
  });

  it("gets results and events in the order in which they happened", async () => {
    const core = new FakeService();
    const rig = new RemoteRig(core);
    const order: string[] = [];
    rig.client.onEvent((event) => order.push(event.type === "agent" ? (event.summary?.name ?? "gone") : event.type));
    const made = rig.client.createAgent({ name: "Ada" }).then(() => order.push("made"));
    await settled(rig, made);
    const renamed = rig.client.renameAgent("agent-0", "Grace").then(() => order.push("renamed"));
    const deleted = rig.client.deleteAgent("agent-0").then(() => order.push("deleted"));
    await settled(rig, Promise.all([renamed, deleted]));
    assert.deepEqual(
      order.filter((word) => !["renamed", "deleted"].includes(word)),
      ["Ada", "made", "Grace", "gone"],
    );
  });

  it("tells an answer's events as they come, and a late listener in as few as they need", async () => {
    const { rig, running, answer } = await asked();
    const told = record(running);
    for (const part of ["Hel", "lo", " there"]) {
      answer.play(text(part));
      await rig.settle();
    }
    assert.deepEqual(
      told.map((event) => event.type === "text" && event.text),
      ["Hel", "lo", " there"],
    );
    assert.deepEqual(record(running), [text("Hello there")]);
    answer.answer("!");
    await rig.settle();
    assert.equal((await running.done).text, "!");
  });

  it("gets one message for what was told while it was busy", async () => {
    const { core, id, rig, running, answer } = await asked();
    const told = record(running);
    const heard: ServiceEvent[] = [];
    rig.client.onEvent((event) => heard.push(event));
    for (let token = 0; token < 500; token++) {
      answer.play(text("x"));
      if (token % 50 === 0) core.change(id, { tokens: token });
      await setImmediate();
    }
    // The first part was on its way at once; all others wait for the client to take it.
    assert.equal(rig.clientEnd.take(), 1);
    assert.ok(told.length <= 2);
    await rig.settle();
    assert.equal(told.map((event) => (event.type === "text" ? event.text : "")).join(""), "x".repeat(500));
    assert.ok(told.length <= 3, `${told.length} events`);
    assert.ok(heard.length <= 3, `${heard.length} events`);
    const last = heard.at(-1);
    assert.equal(last?.type === "agent" && last.summary?.tokens, 450);
  });

  it("aborts an answer by its name", async () => {
    const { rig, running, answer } = await asked();
    running.abort();
    assert.equal((await settled(rig, running.done)).finishReason, "aborted");
    assert.equal(answer.aborted, true);
  });

  it("has one object for one answer, and makes a new one for the next", async () => {
    const { id, rig, running, answer } = await asked();
    assert.equal(await settled(rig, rig.client.running(id)), running);
    answer.answer("Hi");
    await settled(rig, running.done);
    assert.equal(await settled(rig, rig.client.running(id)), undefined);
    assert.notEqual(await settled(rig, rig.client.send(id, { text: "More" })), running);
  });

  it("tells of an answer that ended before its name arrived", async () => {
    class QuickService extends FakeService {
      override generate(): FakeRunning {
        const running = new FakeRunning("quick");
        running.answer("Hi");
        return running;
      }
    }
    const rig = new RemoteRig(new QuickService());
    assert.equal((await settled(rig, rig.client.generate({ prompt: "Hello" }).done)).text, "Hi");
  });

  it("tells of progress, and cancels by the call's id", async () => {
    const told: Progress[] = [];
    const half: Progress = { done: 1, total: 2, unit: "bytes", message: "half" };
    class ImportingService extends FakeService {
      override async getStarterModel(onProgress?: (progress: Progress) => void, signal?: AbortSignal): Promise<never> {
        onProgress?.(half);
        await new Promise((resolve) => signal?.addEventListener("abort", resolve));
        throw new ResidentError("ABORTED", "cancelled", "start again");
      }
    }
    const rig = new RemoteRig(new ImportingService());
    const cancel = new AbortController();
    const getting = rig.client.getStarterModel((progress) => told.push(progress), cancel.signal);
    await rig.settle();
    assert.deepEqual(told, [half]);
    cancel.abort();
    await assert.rejects(settled(rig, getting), { code: "ABORTED" });
    const cancelled = rig.client.getStarterModel(() => {}, AbortSignal.abort());
    await assert.rejects(settled(rig, cancelled), { code: "ABORTED" });
  });

  it("goes on when a listener fails, with what came in the same message", async () => {
    class ImportingService extends FakeService {
      override async getStarterModel(onProgress?: (progress: Progress) => void) {
        onProgress?.({ done: 1, total: 2, unit: "bytes", message: "half" });
        return super.getStarterModel();
      }
    }
    const rig = new RemoteRig(new ImportingService());
    const fail = () => {
      throw new Error("a bug of the page");
    };
    rig.client.onEvent(fail);
    const made = rig.client.createAgent({ name: "Ada" });
    const got = rig.client.getStarterModel(fail);
    await settled(rig, Promise.all([made, got]));
    assert.deepEqual(
      rig.lines.map(({ message }) => message),
      ["a listener failed: a bug of the page", "a listener failed: a bug of the page"],
    );
  });

  it("refuses what cannot be cloned, and only that", async () => {
    class OddService extends FakeService {
      override async diagnose() {
        return { sections: [], odd: () => {} };
      }
    }
    const rig = new RemoteRig(new OddService());
    const listed = rig.client.listModels();
    const diagnosed = rig.client.diagnose();
    diagnosed.catch(() => {}); // it is looked at below
    assert.equal((await settled(rig, listed)).length, 1);
    await assert.rejects(diagnosed, { code: "INTERNAL" });
    const odd = Object.assign({ name: "Ada" }, { odd: () => {} });
    await assert.rejects(rig.client.createAgent(odd), /could not be cloned/);
    assert.deepEqual(await settled(rig, rig.client.listAgents()), []);
  });

  it("fails everything that was asked for when the core is gone, says so once, and refuses what comes then", async () => {
    const { id, rig, running } = await asked();
    const heard: ServiceEvent[] = [];
    const told = record(running);
    rig.client.onEvent((event) => heard.push(event));
    const status = rig.client.status();
    const generated = rig.client.generate({ prompt: "Hello" });
    rig.clientEnd.lose("its thread ended with code 134");
    rig.clientEnd.lose("again");
    const ended = { code: "ENGINE_ENDED", facts: { reason: "its thread ended with code 134" } };
    for (const work of [status, running.done, generated.done, rig.client.getAgent(id)]) {
      await assert.rejects(work, ended);
    }
    await assert.rejects(rig.client.generate({ prompt: "Hello" }).done, ended);
    assert.equal(told.at(-1)?.type, "failed");
    const [engine, end, more] = heard;
    assert.ok(engine?.type === "engine" && engine.state.type === "failed" && end?.type === "ended");
    assert.deepEqual([engine.state.error.code, end.error.code, more], ["ENGINE_ENDED", "ENGINE_ENDED", undefined]);
    assert.ok(rig.lines.some(({ message }) => message.includes("code 134")));
    running.abort();
    await rig.client.dispose(1000);
    assert.equal(rig.clientEnd.closed, true);
  });

  it("ends a core that ends in time, and closes the port", async () => {
    const core = new FakeService();
    const rig = new RemoteRig(core);
    const heard: ServiceEvent[] = [];
    rig.client.onEvent((event) => heard.push(event));
    await settled(rig, rig.client.dispose(1000));
    assert.deepEqual([core.disposed, rig.clientEnd.closed], [true, true]);
    rig.clientEnd.lose("the thread has ended");
    assert.deepEqual(heard, []);
    await assert.rejects(rig.client.status(), { code: "ABORTED" });
  });

  it("closes the port when the core does not end in time, whatever still waits", async () => {
    const { rig, running } = await asked();
    await rig.client.dispose(10);
    assert.equal(rig.clientEnd.closed, true);
    rig.clientEnd.lose("the thread has ended");
    await assert.rejects(running.done, { code: "ABORTED" });
    assert.ok(rig.lines.some(({ message }) => message.includes("did not end within 10 ms")));
  });
});
