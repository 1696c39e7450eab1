import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { Emitter } from "../../../src/common/events";
import { DraftMeter } from "../../../src/extension/chat/draftMeter";
import { Drafts } from "../../../src/extension/chat/drafts";
import type { DraftSize, ServiceEvent } from "../../../src/protocol/service";
import { FakeMemory } from "../../support/extension/fakeMemory";

describe("the drafts of agents", () => {
  const events = new Emitter<ServiceEvent>();
  const open = (memory: FakeMemory) =>
    new Drafts(memory, { onEvent: events.event }, (error) => assert.fail(String(error)));

  it("are there again after the panel was closed and after a restart, with what they take the place of", () => {
    const memory = new FakeMemory();
    const drafts = open(memory);
    drafts.set("a", { text: "half a thought" });
    drafts.set("b", { text: "edited", instead: "t2" });
    assert.deepEqual(drafts.get("a"), { text: "half a thought" });
    const next = open(memory);
    assert.deepEqual(next.get("a"), { text: "half a thought" });
    assert.deepEqual(next.get("b"), { text: "edited", instead: "t2" });
  });

  it("are forgotten when they are sent, when they are blank, and with their agent", () => {
    const memory = new FakeMemory();
    const drafts = open(memory);
    for (const id of ["a", "b", "c"]) drafts.set(id, { text: id });
    drafts.set("a", undefined);
    drafts.set("b", { text: " \n" });
    events.fire({ type: "agent", id: "c" });
    for (const id of ["a", "b", "c"]) assert.equal(open(memory).get(id), undefined, id);
  });

  it("are written only when they change", () => {
    const memory = new FakeMemory();
    const drafts = open(memory);
    drafts.set("a", undefined);
    drafts.set("a", { text: "x" });
    drafts.set("a", { text: "x" });
    assert.equal(memory.numUpdates, 1);
  });

  it("are bounded in number and size: the newest stay, and one that is too long leaves the others alone", () => {
    const memory = new FakeMemory();
    const drafts = open(memory);
    for (let index = 0; index < 60; index++) drafts.set(`a${index}`, { text: "x" });
    assert.equal(open(memory).get("a0"), undefined);
    assert.notEqual(open(memory).get("a59"), undefined);
    drafts.set("long", { text: "x".repeat(300_000) });
    assert.equal(open(memory).get("long"), undefined);
    assert.notEqual(open(memory).get("a59"), undefined);
    drafts.set("large", { text: "x".repeat(262_143) });
    assert.notEqual(open(memory).get("large"), undefined);
    assert.equal(open(memory).get("a58"), undefined);
    assert((memory.values.get("resident.drafts") ?? "").length < 300_000);
  });

  it("leave out what an earlier program wrote and this one does not understand", () => {
    for (const stored of ["x", 7, {}, [1], [["a"]], [["a", { text: 7 }]], [[7, { text: "x" }]]]) {
      const memory = new FakeMemory();
      memory.values.set("resident.drafts", JSON.stringify(stored));
      assert.equal(open(memory).get("a"), undefined);
    }
  });
});

describe("the measuring of a draft", () => {
  function newMeter() {
    const asked: string[] = [];
    const answers: ((size: DraftSize | undefined) => void)[] = [];
    const told: (readonly [number, number | undefined])[] = [];
    const meter = new DraftMeter(
      (draft) => {
        asked.push(draft.text);
        return new Promise((resolve) => answers.push(resolve));
      },
      () => false,
      (serial, size) => told.push([serial, size?.draftTokens]),
      () => {},
    );
    const answer = async (draftTokens: number | undefined) => {
      const size = draftTokens === undefined ? undefined : { draftTokens, promptTokens: 100, contextTokens: 8192 };
      answers.shift()?.(size);
      await setImmediate();
    };
    return { meter, asked, told, answer };
  }

  it("asks for one at a time and tells the last one only", async () => {
    const { meter, asked, told, answer } = newMeter();
    meter.ask({ text: "a" }, 1);
    meter.ask({ text: "ab" }, 2);
    meter.ask({ text: "abc" }, 3);
    assert.deepEqual(asked, ["a"]);
    await answer(1);
    assert.deepEqual(asked, ["a", "abc"]);
    assert.deepEqual(told, []);
    await answer(3);
    assert.deepEqual(told, [[3, 3]]);
  });

  it("measures again when the model is there or the conversation went on, but nothing where nothing is written", async () => {
    const { meter, asked, told, answer } = newMeter();
    meter.again();
    meter.ask({ text: "a" }, 1);
    await answer(undefined);
    meter.again();
    await answer(5);
    assert.deepEqual(told, [
      [1, undefined],
      [1, 5],
    ]);
    meter.ask({ text: " " }, 2);
    await setImmediate();
    meter.again();
    await setImmediate();
    assert.deepEqual(asked, ["a", "a"]);
    assert.deepEqual(told.at(-1), [2, undefined]);
  });

  it("tells that it is not known where it could not be measured, and goes on", async () => {
    const told: (readonly [number, boolean])[] = [];
    const errors: unknown[] = [];
    let works = false;
    const meter = new DraftMeter(
      async () => {
        if (!works) throw new Error("no model");
        return { draftTokens: 1, promptTokens: 2, contextTokens: 3 };
      },
      () => false,
      (serial, size) => told.push([serial, size !== undefined]),
      (error) => errors.push(error),
    );
    meter.ask({ text: "a" }, 1);
    await setImmediate();
    works = true;
    meter.again();
    await setImmediate();
    assert.deepEqual(told, [
      [1, false],
      [1, true],
    ]);
    assert.equal(errors.length, 1);
  });
});
