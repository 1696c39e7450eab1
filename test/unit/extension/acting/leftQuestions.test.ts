import assert from "node:assert/strict";
import { PendingApprovals } from "../../../../src/acting/approvals";
import type { LeftQuestion, Question } from "../../../../src/acting/ports";
import { KeptQuestions } from "../../../../src/extension/acting/keptQuestions";
import { LeftQuestions, type LeftQuestionsPorts } from "../../../../src/extension/acting/leftQuestions";
import type { Memory } from "../../../../src/extension/window/memory";
import { HandClock } from "../../../support/acting/kept";
import { FakeMemory } from "../../../support/extension/fakeMemory";

const settled = () => new Promise((resolve) => setTimeout(resolve, 5));
const fails = (error: unknown) => assert.fail(String(error));

function question(agent: string, call: string, hasBegun?: boolean): Question {
  return {
    ...{ agent, call: { id: call, name: "run", arguments: {} }, kind: "run", question: `Run ${call}` },
    choices: [{ way: "allow", label: "Run" }],
    ...(hasBegun === undefined ? {} : { hasBegun }),
  };
}

/** A window: what it asks, and what it keeps of it. */
class Window {
  readonly approvals = new PendingApprovals();
  readonly kept: KeptQuestions;
  private readonly abort = new AbortController();

  constructor(memory: Memory, onError: (error: unknown) => void = fails) {
    this.kept = new KeptQuestions(memory, this.approvals, onError);
  }

  ask(...[agent, call, hasBegun]: Parameters<typeof question>): void {
    this.approvals.ask(question(agent, call, hasBegun), this.abort.signal).catch(() => {});
  }

  async close(): Promise<void> {
    await settled();
    this.kept.dispose();
    this.abort.abort();
    this.approvals.dispose();
    await settled();
  }
}

describe("the questions of a window that is closed", () => {
  it("are known in the next one, and those that were decided are not", async () => {
    const memory = new FakeMemory();
    const first = new Window(memory);
    first.ask("ada", "c1");
    first.ask("bea", "c2", true);
    first.ask("cleo", "c3");
    assert.ok(first.approvals.decide("cleo", "c3", { way: "allow" }));
    await first.close();
    const second = new Window(memory);
    assert.deepEqual(second.kept.agents, ["ada", "bea"]);
    assert.equal(second.kept.of("ada")?.call, "c1");
    assert.deepEqual([second.kept.of("bea")?.hasBegun, second.kept.of("cleo")], [true, undefined]);
    // What the next window did not come to is left to the one after it.
    second.ask("bea", "c2", true);
    second.ask("dan", "c4");
    assert.ok(second.approvals.decide("bea", "c2", { way: "allow" }));
    await second.close();
    const third = new Window(memory);
    assert.deepEqual(third.kept.agents, ["ada", "dan"]);
    third.kept.forget("dan");
    third.kept.forget("nobody");
    await third.close();
    assert.deepEqual(new Window(memory).kept.agents, ["ada"]);
  });

  it("are none where what was kept is something else, and a memory that fails loses nothing else", async () => {
    for (const value of [
      null,
      3,
      [1],
      [{ agent: "a" }],
      [{ agent: 1, call: "c" }],
      [{ agent: "a", call: "c", hasBegun: 1 }],
    ]) {
      const memory = new FakeMemory();
      await memory.update("resident.acting.questions", value);
      assert.deepEqual(new Window(memory).kept.agents, []);
    }
    const errors: unknown[] = [];
    const window = new Window({ get: () => undefined, update: () => Promise.reject(new Error("full")) }, (error) =>
      errors.push(error),
    );
    window.ask("ada", "c1");
    await settled();
    assert.deepEqual([errors.length, window.kept.agents], [1, ["ada"]]);
  });
});

describe("a window that is opened again", () => {
  type End = "asked" | "gone" | "later";
  let memory: FakeMemory;
  let window: Window;
  let clock: HandClock;
  let left: LeftQuestions;
  let errors: unknown[];
  let asked: string[];
  let answer: (agent: string, one: LeftQuestion) => End | Error;

  beforeEach(async () => {
    memory = new FakeMemory();
    const before = new Window(memory);
    before.ask("ada", "c1");
    before.ask("bea", "c2", true);
    await before.close();
    window = new Window(memory);
    clock = new HandClock();
    errors = [];
    asked = [];
    const askAgain: LeftQuestionsPorts["agents"]["askAgain"] = async (agent, one) => {
      asked.push(`${agent} ${one.call} ${one.hasBegun === true}`);
      const end = answer(agent, one);
      if (end instanceof Error) throw end;
      if (end === "asked") window.ask(agent, one.call, one.hasBegun);
      return end;
    };
    left = new LeftQuestions({
      ...{ kept: window.kept, approvals: window.approvals, agents: { askAgain } },
      ...{ after: (ms, callback) => clock.after(ms, callback), onError: (error) => errors.push(error) },
    });
  });
  afterEach(async () => {
    left.dispose();
    await window.close();
  });

  it("asks what waited, once", async () => {
    answer = () => "asked";
    left.start();
    await Promise.all([left.resume("ada"), left.resume("ada"), left.resume("nobody")]);
    await settled();
    await left.resume("bea");
    assert.deepEqual(asked, ["ada c1 false", "bea c2 true"]);
    assert.deepEqual(
      window.approvals.questions.map(({ agent }) => agent),
      ["ada", "bea"],
    );
  });

  it("leaves an agent alone that another window has, looks again for half a minute, and when it is shown", async () => {
    let isElsewhere = true;
    answer = (agent) => (agent === "ada" && isElsewhere ? "later" : "asked");
    left.start();
    for (let seconds = 0; seconds < 100; seconds++) {
      await settled();
      clock.pass(1000);
    }
    assert.equal(asked.filter((one) => one === "ada c1 false").length, 6);
    assert.deepEqual(window.kept.agents, ["ada", "bea"]);
    isElsewhere = false;
    await left.resume("ada");
    assert.equal(window.approvals.questions.length, 2);
  });

  it("forgets what cannot be asked any more, and keeps what fails until the agent is shown", async () => {
    answer = (agent) => (agent === "ada" ? "gone" : new Error("no engine"));
    left.start();
    await settled();
    assert.deepEqual([window.kept.agents, errors.length], [["bea"], 1]);
    answer = () => "asked";
    await left.resume("bea");
    await left.resume("ada");
    assert.deepEqual(asked, ["ada c1 false", "bea c2 true", "bea c2 true"]);
  });

  it("looks no more once it is closed", async () => {
    answer = () => "later";
    left.start();
    left.dispose();
    await settled();
    clock.pass(60_000);
    await settled();
    assert.equal(asked.length, 2);
  });
});
