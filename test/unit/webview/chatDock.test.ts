import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import { createFormats } from "../../../src/common/format";
import type { ChatCommand, ChatSnapshot } from "../../../src/protocol/chat";
import type { Problem } from "../../../src/protocol/page";
import { Dock } from "../../../src/webview/chat/dock";
import { draftFit } from "../../../src/webview/chat/draftViews";
import { useDocument } from "../../support/webview/dom";
import { chatSamples } from "../../support/webview/samples/chat";

const formats = createFormats("en");
const problem: Problem = {
  error: { code: "CONTEXT_FULL", what: "the message is too long", advice: "shorten it", facts: {} },
  kept: "Your message is below.",
  actions: [],
};

function snapshotOf(name: string): ChatSnapshot {
  const update = chatSamples[name]?.[0];
  if (update?.type !== "snapshot") throw new Error(`no sample ${name}`);
  return update.snapshot;
}

describe("the message that is being written in a chat", () => {
  const newRoot = useDocument();

  function newDock(name = "done") {
    const requests: ChatCommand[] = [];
    let answer: Problem | undefined;
    const snapshot = snapshotOf(name);
    const dock: Dock = new Dock(
      {
        request: async (command) => {
          requests.push(command);
          return answer;
        },
        run: (command) => requests.push(command),
        changed: () => {},
        sent: () => {},
        showCall: () => {},
        render: () => dock.render(snapshot, formats),
      },
      document.createElement("button"),
    );
    newRoot().append(dock.element);
    dock.render(snapshot, formats);
    const button = (name: string) =>
      [...dock.element.querySelectorAll("button")].find(
        (found) => (found.getAttribute("aria-label") ?? found.textContent) === name,
      );
    const click = (name: string) => {
      const found = button(name);
      assert(found, `no button is called ${name}`);
      found.dispatchEvent(new Event("click", { bubbles: true }));
    };
    return { dock, requests, button, click, refuse: (failure: Problem | undefined) => (answer = failure) };
  }

  it("has the attachments of the message that is edited, until that is cancelled", () => {
    const { dock, requests, click } = newDock("acted");
    dock.edit("g1", "the old message");
    click("Cancel");
    const told = requests.filter(({ type }) => type === "editing");
    assert.deepEqual(told, [{ type: "editing", turn: "g1" }, { type: "editing" }]);
    const { dock: without, requests: none } = newDock();
    without.edit("t2", "the old message");
    assert(!none.some(({ type }) => type === "editing"), "the host keeps no attachments");
  });

  it("lists what waits for the person above it, and does what its buttons say", () => {
    const { requests, click, dock } = newDock("actingWaits");
    assert.match(dock.element.textContent ?? "", /^2 things wait for you/);
    click("Run");
    assert.deepEqual(requests.at(-1), { type: "decide", call: "r1", way: "allow" });
  });

  it("is an earlier one while that is edited, sent in its place, and then what was written before", () => {
    const { dock, requests, click } = newDock();
    dock.composer.draft = "half a thought";
    dock.edit("t2", "Make the skip stop");
    assert.match(dock.element.textContent ?? "", /Editing turn 2\./);
    assert.equal(dock.composer.draft, "Make the skip stop");
    dock.composer.draft = "Make it stop";
    click("Send");
    assert.deepEqual(requests, [{ type: "send", text: "Make it stop", instead: "t2" }]);
    assert.equal(dock.composer.draft, "half a thought");
    assert.doesNotMatch(dock.element.textContent ?? "", /Editing/);
    click("Send");
    assert.deepEqual(requests[1], { type: "send", text: "half a thought" });
  });

  it("comes back when the edit is cancelled, once", () => {
    const { dock, click } = newDock();
    dock.composer.draft = "half a thought";
    dock.edit("t2", "Make the skip stop");
    dock.edit("t1", "Where does the parser");
    click("Cancel");
    assert.equal(dock.composer.draft, "half a thought");
    assert.equal(dock.cancelEdit(), false);
  });

  it("keeps over a reload what it would take the place of, and what was put aside", () => {
    const before = newDock();
    before.dock.composer.draft = "half a thought";
    before.dock.edit("t2", "Make the skip stop");
    const after = newDock();
    after.dock.restore(before.dock.memory);
    assert.equal(after.dock.composer.draft, "Make the skip stop");
    after.dock.cancelEdit();
    assert.equal(after.dock.composer.draft, "half a thought");
  });

  it("is what the host has kept of a panel that was closed, unless something is written", () => {
    const { dock } = newDock();
    dock.restoreKept({ text: "kept", instead: "t2" });
    assert.equal(dock.composer.draft, "kept");
    assert.equal(dock.memory.editing?.turn, "t2");
    const written = newDock();
    written.dock.composer.draft = "mine";
    written.dock.restoreKept({ text: "kept" });
    assert.equal(written.dock.composer.draft, "mine");
  });

  it("comes back where it was refused, before what was written since, with the problem, which can be put away", () => {
    const { dock, click } = newDock();
    dock.composer.draft = "since";
    dock.takeBack({ type: "refused", message: { text: "a long message" }, problem });
    dock.render(snapshotOf("done"), formats);
    assert.equal(dock.composer.draft, "a long message\nsince");
    assert.match(dock.element.querySelector("[role=alert]")?.textContent ?? "", /too long.*below/s);
    click("Dismiss");
    assert.equal(dock.element.querySelector("[role=alert]"), null);
  });

  it("is edited again where the edited one was refused", async () => {
    const { dock, refuse, click } = newDock();
    refuse(problem);
    dock.edit("t2", "Make the skip stop");
    click("Send");
    await setTimeout(0);
    assert.equal(dock.composer.draft, "Make the skip stop");
    assert.equal(dock.memory.editing?.turn, "t2");
  });

  it("shows its tokens when it rests, those of the last draft only, and none when it is empty", async () => {
    const { dock, requests } = newDock();
    const shown = () => dock.element.querySelector("#draft-size")?.textContent ?? "";
    const size = (draftTokens: number) => ({ draftTokens, promptTokens: 3425 + draftTokens, contextTokens: 32_768 });
    const answer = (serial: number, draftTokens: number) => {
      dock.measured({ type: "draftSize", serial, size: size(draftTokens) });
      dock.render(snapshotOf("done"), formats);
    };
    dock.composer.draft = "one";
    dock.composer.draft = "one two";
    assert.deepEqual(requests, [], "not at each key");
    await setTimeout(300);
    assert.deepEqual(requests, [{ type: "readAhead", draft: "one two", serial: 1 }]);
    answer(1, 2);
    assert.equal(shown(), "2 tokens · 29,341 left");
    assert.equal(dock.composer.field.getAttribute("aria-describedby"), "draft-size");
    dock.composer.draft = "one two three";
    await setTimeout(300);
    answer(1, 99);
    assert.equal(shown(), "2 tokens · 29,341 left", "an answer that was overtaken");
    answer(2, 3);
    assert.equal(shown(), "3 tokens · 29,340 left");
    dock.composer.draft = "";
    assert.equal(shown(), "");
    answer(2, 3);
    assert.equal(shown(), "");
  });

  it("is told at once when the panel loses the focus, and not twice", async () => {
    const { dock, requests } = newDock();
    dock.composer.draft = "half a thought";
    dock.composer.field.dispatchEvent(new Event("blur"));
    assert.deepEqual(requests, [{ type: "readAhead", draft: "half a thought", serial: 1 }]);
    await setTimeout(300);
    assert.equal(requests.length, 1);
  });

  it("attaches the editor's selection by its name, and chooses models without taking the agent's own away", () => {
    const { requests, click, button } = newDock();
    click("Attach recover.ts:88–141");
    click("Model of this agent: Qwen2.5-Coder 3B, 4-bit. Choose Model…");
    assert.deepEqual(requests, [
      { type: "act", action: "startFromSelection" },
      { type: "act", action: "chooseModel" },
    ]);
    assert.match(
      button("Model of this agent: Qwen2.5-Coder 3B, 4-bit. Choose Model…")?.getAttribute("title") ?? "",
      /This agent keeps/,
    );
    const { selection: _, ...without } = snapshotOf("done");
    const { dock } = newDock();
    dock.render(without, formats);
    assert.doesNotMatch(dock.element.textContent ?? "", /Attach/);
  });
});

describe("whether a message fits", () => {
  const fitOf = (draftTokens: number, promptTokens: number) =>
    draftFit({ draftTokens, promptTokens, contextTokens: 8192 }, formats);

  it("is told with what is left, then in the warning colour, then with the room there is", () => {
    assert.deepEqual(fitOf(312, 772), { text: "312 tokens · 7,420 left", level: "fits" });
    assert.deepEqual(fitOf(312, 8000), { text: "312 tokens · 192 left", level: "near" });
    assert.deepEqual(fitOf(73_720, 73_912), { text: "73,720 tokens, room for 7,999", level: "tooLong" });
    assert.deepEqual(fitOf(8000, 8192), { text: "8,000 tokens, room for 7,999", level: "tooLong" });
  });
});
