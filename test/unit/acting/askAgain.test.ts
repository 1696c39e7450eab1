import assert from "node:assert/strict";
import type { Question } from "../../../src/acting/ports";
import { ResidentError } from "../../../src/common/errors";
import { ActingRig, type ActingRigOptions } from "../../support/acting/actingRig";
import { everythingAsked } from "../../support/acting/kept";
import { inTurn, type Script, type ScriptedAnswer } from "../../support/acting/scriptedModel";
import { inFolder } from "../../support/store/fakes";

type Call = NonNullable<ScriptedAnswer["calls"]>[number];

const edit = (path: string, old: string, fresh: string): Call => ["edit_file", { path, old, new: fresh }];
const read = (path: string): Call => ["read_file", { path }];
const run = (command: string): Call => ["run", { command }];
const tick = () => new Promise((resolve) => setImmediate(resolve));

/** A program in which an agent's call waits for the person, and that agent. */
async function waiting(home: string, calls: readonly Call[], options: ActingRigOptions = {}) {
  const rig = new ActingRig(home, inTurn({ calls }), options);
  rig.disk.permissions.now = everythingAsked;
  const id = await rig.create();
  void rig.ask(id, "Go.");
  await rig.question();
  return { rig, id };
}

function leftOf([question]: readonly Question[]) {
  assert.ok(question);
  const { call, hasBegun = false } = question;
  return { call: call.id, hasBegun };
}

/** The program ends while a question waits, and the next one asks it again. */
async function restarted(before: ActingRig, id: string, script: Script) {
  const left = leftOf(before.approvals.questions);
  const rig = await before.restart(script);
  return { rig, left, isAsked: await rig.acting.askAgain(id, left) };
}

describe("a question that waited when the program ended", function () {
  this.timeout(20_000);

  it("is asked again by itself, with its diff: nothing is run and nothing asked of the model before it is decided", () =>
    inFolder(async (home) => {
      const files = { "a.txt": "one\ntwo\n" };
      const calls = [read("a.txt"), edit("a.txt", "two", "three"), run("check")];
      const { rig: first, id } = await waiting(home, calls, { files });
      const { rig, isAsked } = await restarted(first, id, inTurn({ text: "Changed." }));
      assert.equal(isAsked, true);
      const [question] = rig.approvals.questions;
      assert.equal(question?.question, "Edit a.txt (+1 −1)");
      assert.equal(question?.change?.after, "one\nthree\n");
      const [looked, edited, ran] = rig.acting.state(id).calls;
      assert.deepEqual([looked?.state, edited?.state, ran?.state], ["queued", "waiting", "queued"]);
      assert.deepEqual(
        edited?.diff?.map(({ kind, text }) => `${kind} ${text}`),
        ["same one", "removed two", "added three"],
      );
      for (let turns = 0; turns < 20; turns++) await tick();
      assert.deepEqual([rig.model.heard, rig.aheads, rig.commands.ran], [[], [], []]);
      assert.equal(rig.workspace.text("a.txt"), files["a.txt"]);
      await rig.decide(id, { way: "allow" });
      assert.equal((await rig.question())[0]?.question, "Run check");
      await rig.decide(id, { way: "deny" });
      assert.equal(await rig.acting.follow(id), "answered");
      // The look before the edit sees the file as it was before it.
      const [seen = "", changed = "", denied = ""] = await rig.results(id);
      assert.match(seen, /2\ttwo$/);
      assert.match(changed, /^Changed a\.txt: \+1 -1/);
      assert.match(denied, /^The person refused this/);
      assert.equal(rig.workspace.text("a.txt"), "one\nthree\n");
      assert.deepEqual(rig.errors, []);
      await rig.close();
    }));

  it("may be one of the agent: the answer is its result, and is not asked for once more", () =>
    inFolder(async (home) => {
      const { rig: first, id } = await waiting(home, [["ask_user", { question: "Which?" }], run("check")]);
      const { rig: second, isAsked } = await restarted(first, id, inTurn());
      assert.equal(isAsked, true);
      const asked = () => second.approvals.questions[0]?.question;
      assert.equal(asked(), "Which?");
      await second.decide(id, { way: "answer", text: "The second." });
      while (asked() !== "Run check") await tick();
      await second.lastAhead;
      const { rig } = await restarted(second, id, inTurn({ text: "Well." }));
      assert.equal(rig.acting.state(id).calls[0]?.state, "done");
      await rig.decide(id, { way: "deny" });
      assert.equal(await rig.acting.follow(id), "answered");
      assert.equal((await rig.results(id))[0], "The second.");
      await rig.close();
    }));

  it("is gone where the answer is known, and nothing is sent by itself", () =>
    inFolder(async (home) => {
      for (const call of [["ask_user", { question: "Which?" }] as const, run("build")]) {
        const { rig: first, id } = await waiting(home, [call]);
        const left = leftOf(first.approvals.questions);
        await first.disk.journal.write(id, [{ call: left.call, result: { text: "Known." } }]);
        const rig = await first.restart(inTurn({ text: "Well." }));
        assert.equal(await rig.acting.askAgain(id, left), false);
        assert.deepEqual([rig.model.heard, rig.approvals.questions], [[], []]);
        assert.equal(await rig.acting.follow(id), "answered");
        assert.deepEqual(await rig.results(id), ["Known."]);
        await rig.agents.agents.delete(id);
        await rig.close();
      }
    }));

  it("is the only one that is asked: what was refused before stays refused", () =>
    inFolder(async (home) => {
      const { rig: first, id } = await waiting(home, [run("one"), run("two")]);
      await first.decide(id, { way: "deny", text: "Not this." });
      while (first.approvals.questions[0]?.question !== "Run two") await tick();
      const { rig } = await restarted(first, id, inTurn({ text: "Well." }));
      assert.deepEqual(
        rig.acting.state(id).calls.map(({ state }) => state),
        ["denied", "waiting"],
      );
      rig.commands.known.set("two", () => ({ output: "2\n", exitCode: 0 }));
      await rig.decide(id, { way: "allow" });
      assert.equal(await rig.acting.follow(id), "answered");
      assert.deepEqual(await rig.results(id), [
        "The person refused this. The person says: Not this.",
        "Exit code 0.\n2",
      ]);
      assert.deepEqual(rig.commands.ran, ["two"]);
      await rig.close();
    }));

  it("is left alone where the command had begun, until the person lets it go on; then it waits again", () =>
    inFolder(async (home) => {
      const { rig: first, id } = await waiting(home, [run("build")]);
      first.commands.known.set("build", () => "hang");
      const left = leftOf(first.approvals.questions);
      await first.decide(id, { way: "allow" });
      while (first.commands.ran.length === 0) await tick();
      first.commands.run = () => new Promise(() => {});
      const second = await first.restart(inTurn());
      assert.equal(await second.acting.askAgain(id, left), false);
      assert.deepEqual([second.approvals.questions, second.acting.state(id)], [[], { calls: [] }]);
      void second.acting.follow(id);
      const asked = /^Run build\. It was begun before the window was closed, and nobody knows whether it ended\.$/;
      assert.match((await second.question())[0]?.question ?? "", asked);
      const { rig, isAsked } = await restarted(second, id, inTurn());
      assert.equal(isAsked, true);
      assert.match(rig.approvals.questions[0]?.question ?? "", asked);
      assert.deepEqual([second.commands.ran, rig.commands.ran], [[], []]);
      await rig.close();
    }));

  it("is gone where it is refused by now, was answered, or the conversation went on", () =>
    inFolder(async (home) => {
      const files = { "a.txt": "one\n" };
      const { rig: first, id } = await waiting(home, [edit("a.txt", "one", "two")], { files });
      const left = leftOf(first.approvals.questions);
      const rig = await first.restart(inTurn({ text: "Fine." }));
      rig.disk.permissions.now = { ...everythingAsked, isTrusted: false };
      assert.equal(await rig.acting.askAgain(id, left), false);
      rig.disk.permissions.now = everythingAsked;
      assert.equal(await rig.acting.askAgain(id, { call: "another" }), false);
      rig.workspace.files.set("a.txt", "three\n");
      assert.equal(await rig.acting.askAgain(id, left), false);
      assert.deepEqual([rig.approvals.questions, rig.acting.state(id), rig.model.heard], [[], { calls: [] }, []]);
      assert.equal((await rig.detail(id)).waitsFor, 1);
      await rig.ask(id, "Never mind.");
      assert.equal(await rig.acting.askAgain(id, left), false);
      assert.equal((await rig.turns(id)).length, 2);
      assert.deepEqual(rig.errors, []);
      await rig.close();
    }));

  it("is not asked where that fails, and the person is told why", () =>
    inFolder(async (home) => {
      const { rig: first, id } = await waiting(home, [run("build")]);
      const left = leftOf(first.approvals.questions);
      const rig = await first.restart(inTurn());
      const { settings } = rig.disk.permissions;
      rig.disk.permissions.settings = () => {
        throw new ResidentError("IO_FAILURE", "the settings cannot be read", "look at the disk");
      };
      assert.equal(await rig.acting.askAgain(id, left), false);
      assert.equal(rig.acting.state(id).stopped, "The settings cannot be read: look at the disk.");
      rig.disk.permissions.settings = settings;
      assert.equal(await rig.acting.askAgain(id, left), true);
      await rig.close();
    }));

  it("ends with a stop, or with a message in its place", () =>
    inFolder(async (home) => {
      const { rig: first, id } = await waiting(home, [run("build")]);
      const { rig, left } = await restarted(first, id, inTurn({ text: "Fine." }));
      await rig.acting.stop(id);
      assert.deepEqual([rig.approvals.questions, rig.acting.state(id)], [[], { calls: [] }]);
      assert.equal((await rig.detail(id)).waitsFor, 1);
      assert.equal(await rig.acting.askAgain(id, left), true);
      await rig.agents.agents.send(id, { text: "Never mind." });
      assert.equal(await rig.acting.follow(id), "answered");
      assert.deepEqual([rig.approvals.questions, rig.commands.ran], [[], []]);
      assert.equal((await rig.turns(id)).at(-1)?.answer, "Fine.");
      await rig.close();
    }));

  it("is not waited for where the agent answers already", () =>
    inFolder(async (home) => {
      const { rig: first, id } = await waiting(home, [run("build")]);
      const left = leftOf(first.approvals.questions);
      const rig = await first.restart(inTurn({ text: "x", isEndless: true }));
      await rig.agents.agents.send(id, { text: "Never mind." });
      assert.equal(await rig.acting.askAgain(id, left), false);
      await rig.acting.stop(id);
      await rig.close();
    }));
});
