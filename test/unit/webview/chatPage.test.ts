import assert from "node:assert/strict";
import type { ChatSnapshot, ChatUpdate } from "../../../src/protocol/chat";
import type { PageTurn, Problem } from "../../../src/protocol/page";
import { ChatInDocument } from "../../support/webview/chatInDocument";
import { useDocument } from "../../support/webview/dom";
import { longSnapshot } from "../../support/webview/longChat";
import { figures } from "../../support/webview/samples/agents";
import { stepRunning, stepsWentOn } from "../../support/webview/samples/steps";

const poolExhausted: Problem = {
  error: { code: "POOL_EXHAUSTED", what: "287 blocks are needed", advice: "", facts: { needed: 287, total: 256 } },
  actions: [
    { id: "growPool", label: "Grow Pool" },
    { id: "sendAgain", label: "Send Again" },
  ],
};
const failed: PageTurn = {
  id: "failed",
  user: "Compare all.",
  answer: "",
  state: "failed",
  createdAt: 0,
  problem: poolExhausted,
};

describe("the chat's page", () => {
  useDocument();
  let chat: ChatInDocument;

  function open(change: Partial<ChatSnapshot> = {}): void {
    chat = new ChatInDocument();
    const { turns, ...rest } = longSnapshot(4);
    chat.show({ type: "snapshot", snapshot: { ...rest, turns: turns.slice(0, 3), ...change } });
  }

  const said = () => document.querySelector("[role=status]")?.textContent;
  const alert = () => document.querySelector("[role=alert]");
  const button = (name: string) => {
    const found = [...document.querySelectorAll("button")].find(
      (one) => (one.getAttribute("aria-label") ?? one.textContent) === name,
    );
    assert(found, `no button is called ${name}`);
    return found;
  };
  const press = (key: string) => document.dispatchEvent(Object.assign(new Event("keydown"), { key }));
  const buttonsOf = (selector: string) =>
    [...document.querySelectorAll(`${selector} .buttons button`)].map((one) => one.textContent);

  it("says that it opens before anything is there, and what it waits for", () => {
    chat = new ChatInDocument();
    assert.match(document.querySelector("main")?.textContent ?? "", /^Opening .*The engine is starting/);
    chat.show({ type: "opening", waitsFor: "conversation" });
    assert.match(document.querySelector("main")?.textContent ?? "", /A long conversation takes a few seconds/);
    chat.show({ type: "snapshot", snapshot: longSnapshot(4) });
    assert.doesNotMatch(document.querySelector("main")?.textContent ?? "", /Opening/);
    assert.equal(said(), "Parser reviewer, 4 turns");
  });

  it("says that a copy was made, each time", async () => {
    open();
    for (const expected of ["Copied", "Copied\u00a0", "Copied"]) {
      button("Copy answer").dispatchEvent(new Event("click", { bubbles: true }));
      await chat.reply("copy");
      assert.equal(said(), expected);
    }
  });

  it("says that the head was moved: back, or to another branch", () => {
    open();
    const { turns } = longSnapshot(4);
    const branch = (some: readonly PageTurn[]): ChatUpdate => ({
      type: "branch",
      branch: { turns: some, branches: [] },
    });
    chat.show(branch(turns.slice(0, 2)));
    assert.equal(said(), "Rewound to turn 2");
    chat.show(branch([failed]));
    assert.equal(said(), "Switched to another branch, 1 turn");
    chat.show(branch([]));
    assert.equal(said(), "Rewound to the start");
  });

  it("counts turns as a person does, and says to which step of one the head was moved", () => {
    open({ turns: stepsWentOn });
    assert.equal(said(), "Parser reviewer, 2 turns");
    assert.equal(document.querySelectorAll("article").length, 2);
    const rewind = (count: number) =>
      chat.show({ type: "branch", branch: { turns: stepsWentOn.slice(0, count), branches: [] } });
    rewind(3);
    assert.equal(said(), "Rewound to turn 1");
    rewind(2);
    assert.equal(said(), "Rewound to step 2 of turn 1");
  });

  it("has the rest of long results brought when a search begins, as far as it can wait for them", () => {
    const [first, second, ...rest] = stepRunning;
    assert(first && second);
    const result = (call: string, length?: number) => ({
      call,
      text: "x",
      ...(length === undefined ? {} : { length }),
    });
    const results = [result("whole"), result("long", 9000), result("huge", 10_485_760)];
    open({ turns: [first, { ...second, results }, ...rest] });
    document.dispatchEvent(Object.assign(new Event("keydown"), { key: "f", ctrlKey: true }));
    assert.deepEqual(
      chat.posted.flatMap(({ command }) => (command?.type === "showResult" ? [command] : [])),
      [{ type: "showResult", turn: second.id, call: "long" }],
    );
  });

  it("keeps the elements of a turn's earlier steps while a further one comes and streams", () => {
    open({ turns: stepRunning.slice(0, 2) });
    const [first] = document.querySelectorAll("details.call");
    assert(first);
    const last = stepRunning.at(-1);
    assert(last);
    chat.show({ type: "turn", turn: last });
    const [same] = document.querySelectorAll("details.call");
    chat.show({ type: "text", turn: last.id, delta: { offset: 0, text: "There", figures: figures(1, 1, 1) } });
    assert.equal(document.querySelectorAll("article").length, 1);
    assert.equal(document.querySelectorAll(".step").length, 3);
    assert.equal(document.querySelectorAll("details.call")[0], same);
    assert.match(document.querySelectorAll(".step")[2]?.textContent ?? "", /^There/);
  });

  it("puts a failure away with Escape, when nothing runs", async () => {
    open();
    button("Copy answer").dispatchEvent(new Event("click", { bubbles: true }));
    await chat.reply("copy", {
      error: { code: "IO_FAILURE", what: "no clipboard", advice: "", facts: {} },
      actions: [],
    });
    assert(alert());
    press("Escape");
    chat.frame();
    assert.equal(alert(), null);
  });

  it("does not offer again what ended a failure's cause, unless it was cancelled", async () => {
    open({ turns: [failed] });
    assert.deepEqual(buttonsOf("article"), ["Grow Pool", "Send Again"]);
    button("Grow Pool").dispatchEvent(new Event("click", { bubbles: true }));
    await chat.reply("act", { error: { code: "ABORTED", what: "", advice: "", facts: {} }, actions: [] });
    assert.deepEqual(buttonsOf("article"), ["Grow Pool", "Send Again"]);
    button("Grow Pool").dispatchEvent(new Event("click", { bubbles: true }));
    await chat.reply("act");
    chat.rest();
    assert.deepEqual(buttonsOf("article"), ["Send Again"]);
  });

  it("offers nothing that changes an agent which can only be read here", () => {
    open({
      turns: [failed],
      readOnly: { error: { code: "AGENT_LOCKED", what: "locked", advice: "", facts: {} }, actions: [] },
    });
    assert.deepEqual(buttonsOf("article"), ["Grow Pool"]);
  });
});
