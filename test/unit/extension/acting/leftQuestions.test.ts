import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { PendingApprovals } from "../../../../src/acting/approvals";
import type { LeftQuestion, Question } from "../../../../src/acting/ports";
import { KeptQuestions } from "../../../../src/extension/acting/keptQuestions";
import { LeftQuestions, type LeftQuestionsPorts } from "../../../../src/extension/acting/leftQuestions";
import { HandClock } from "../../../support/acting/kept";

const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 2));
}

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

  constructor(folder: string, onError: (error: unknown) => void = fails) {
    this.kept = new KeptQuestions(folder, this.approvals, onError);
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
  let folder: string;
  beforeEach(() => {
    folder = join(mkdtempSync(join(tmpdir(), "resident left ")), "questions");
  });
  afterEach(() => rmSync(dirname(folder), { recursive: true, force: true }));

  it("are known in the next one, and those that were decided are not", async () => {
    const first = new Window(folder);
    assert.deepEqual(await first.kept.agents(), []);
    first.ask("ada", "c1");
    first.ask("bea", "c2", true);
    first.ask("cleo", "c3");
    assert.ok(first.approvals.decide("cleo", "c3", { way: "allow" }));
    first.ask("dan", "c4");
    assert.ok(first.approvals.decide("dan", "c4", { way: "allow" }));
    first.ask("dan", "c5");
    await first.close();
    await until(() => readdirSync(folder).length === 3);
    const second = new Window(folder);
    assert.deepEqual([...(await second.kept.agents())].sort(), ["ada", "bea", "dan"]);
    assert.equal((await second.kept.of("ada"))?.call, "c1");
    assert.equal((await second.kept.of("dan"))?.call, "c5");
    assert.deepEqual([(await second.kept.of("bea"))?.hasBegun, await second.kept.of("cleo")], [true, undefined]);
    // What the next window did not come to is left to the one after it.
    second.ask("bea", "c2", true);
    second.ask("eve/../..", "c6");
    assert.ok(second.approvals.decide("bea", "c2", { way: "allow" }));
    second.kept.forget("dan");
    second.kept.forget("nobody");
    await second.close();
    await until(async () => (await second.kept.of("bea")) === undefined);
    await until(() => readdirSync(folder).length === 2);
    const third = new Window(folder);
    assert.deepEqual([...(await third.kept.agents())].sort(), ["ada", "eve/../.."]);
  });

  it("are not those of another window that decided them meanwhile", async () => {
    const first = new Window(folder);
    first.ask("ada", "c1");
    await until(() => existsSync(join(folder, "ada.json")));
    const second = new Window(folder);
    assert.equal((await second.kept.of("ada"))?.call, "c1");
    assert.ok(first.approvals.decide("ada", "c1", { way: "allow" }));
    await until(async () => (await second.kept.of("ada")) === undefined);
  });

  it("are none where what was kept is something else", async () => {
    mkdirSync(folder, { recursive: true });
    const kept = [
      "",
      "{",
      "null",
      "3",
      '{"agent":"a"}',
      '{"agent":1,"call":"c"}',
      '{"agent":"a","call":"c","hasBegun":1}',
    ];
    for (const [index, text] of kept.entries()) writeFileSync(join(folder, `${index}.json`), text);
    const window = new Window(folder);
    assert.deepEqual(await window.kept.agents(), []);
    assert.equal(await window.kept.of("a"), undefined);
  });

  it("are told where they cannot be written, and wait all the same", async () => {
    writeFileSync(folder, "no folder");
    const errors: unknown[] = [];
    const window = new Window(folder, (error) => errors.push(error));
    window.ask("ada", "c1");
    await until(() => errors.length === 1);
    assert.equal(window.approvals.questions.length, 1);
    assert.deepEqual(await window.kept.agents(), []);
  });
});

describe("a window that is opened again", () => {
  type End = "asked" | "gone" | "later";
  let folder: string;
  let window: Window;
  let clock: HandClock;
  let left: LeftQuestions;
  let errors: unknown[];
  let asked: string[];
  let answer: (agent: string, one: LeftQuestion) => End | Error;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "resident left "));
    const before = new Window(folder);
    before.ask("ada", "c1");
    before.ask("bea", "c2", true);
    await before.close();
    await until(() => readdirSync(folder).length === 2);
    window = new Window(folder);
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
    rmSync(folder, { recursive: true, force: true });
  });

  it("asks what waited, once", async () => {
    answer = () => "asked";
    void left.start();
    await Promise.all([left.resume("ada"), left.resume("ada"), left.resume("nobody")]);
    await settled();
    await left.resume("bea");
    assert.deepEqual(asked.sort(), ["ada c1 false", "bea c2 true"]);
    assert.deepEqual(window.approvals.questions.map(({ agent }) => agent).sort(), ["ada", "bea"]);
  });

  it("leaves an agent alone that another window has, looks again for half a minute, and when it is shown", async () => {
    let isElsewhere = true;
    answer = (agent) => (agent === "ada" && isElsewhere ? "later" : "asked");
    await left.start();
    const times = () => asked.filter((one) => one === "ada c1 false").length;
    for (const seconds of [0, 1, 2, 4, 8, 16]) {
      clock.pass(seconds * 1000);
      const before = times();
      await until(() => times() > before || seconds === 0);
      await settled();
    }
    clock.pass(100_000);
    await settled();
    assert.equal(times(), 6);
    assert.equal((await window.kept.of("ada"))?.call, "c1");
    isElsewhere = false;
    await left.resume("ada");
    assert.equal(window.approvals.questions.length, 2);
  });

  it("forgets what cannot be asked any more, and keeps what fails until the agent is shown", async () => {
    answer = (agent) => (agent === "ada" ? "gone" : new Error("no engine"));
    await left.start();
    await until(async () => (await window.kept.agents()).length === 1);
    assert.deepEqual([await window.kept.agents(), errors.length], [["bea"], 1]);
    answer = () => "asked";
    await left.resume("bea");
    await left.resume("ada");
    assert.deepEqual(asked.sort(), ["ada c1 false", "bea c2 true", "bea c2 true"]);
  });

  it("looks no more once it is closed", async () => {
    answer = () => "later";
    const started = left.start();
    left.dispose();
    await started;
    clock.pass(60_000);
    await settled();
    assert.equal(asked.length, 2);
  });
});
