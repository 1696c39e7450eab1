import assert from "node:assert/strict";
import { createFormats } from "../../../src/common/format";
import type { ChatSnapshot } from "../../../src/protocol/chat";
import type { PageTurn } from "../../../src/protocol/page";
import { OpenSteps, type StepsShown } from "../../../src/webview/chat/openSteps";
import { ShownTurns } from "../../../src/webview/chat/shownTurns";
import { stepsLine } from "../../../src/webview/chat/stepsLine";
import { stepsSum } from "../../../src/webview/chat/stepsSum";
import { ChatInDocument } from "../../support/webview/chatInDocument";
import { useDocument } from "../../support/webview/dom";
import { longSnapshot } from "../../support/webview/longChat";
import { manySteps, manyStepsRunning, steps } from "../../support/webview/samples/steps";
import { click, nodesOf, text } from "../../support/webview/trees";

const formats = createFormats("en");

function turnOf(nodes: readonly PageTurn[]) {
  const turn = new ShownTurns().of(nodes).at(-1);
  assert(turn);
  return turn;
}

const ended = turnOf(manySteps);
const running = turnOf(manyStepsRunning);

describe("the sum of a turn's steps before its last one", () => {
  it("tells what was done, each file once, and what it took", () => {
    const sum = stepsSum(ended, formats);
    assert.deepEqual(sum, {
      steps: 11,
      done: ["2 files read", "2 edited", "1 command", "2 searches"],
      ...{ failed: 2, denied: 1, notRun: 0, warnings: 0 },
      tokens: 2965,
      ms: 14_300,
    });
  });

  it("counts a command that failed as run and as failed, and all that warns", () => {
    const call = { id: "c1", name: "run", arguments: { command: "npm test" } };
    const results = [{ call: "c1", text: "Exit code 1", failed: true }];
    const refused = { tier: "warm", refused: { code: "CHECKSUM", atToken: 64, reason: "format" } } as const;
    const [first, second, ...rest] = steps;
    assert(first && second && first.figures);
    const sum = stepsSum(
      turnOf([
        { ...first, calls: [call], dropped: { reason: "cut", text: "{" } },
        {
          ...second,
          results,
          calls: [{ ...call, id: "c2", name: "mine" }],
          figures: { ...first.figures, cache: refused },
        },
        ...rest,
      ]),
      formats,
    );
    assert.deepEqual(sum.done, ["1 command"]);
    assert.deepEqual([sum.failed, sum.notRun, sum.warnings], [1, 1, 2]);
    assert.equal(sum.tokens, 38, "what was read again is no cost of a result");
    assert.equal(sum.ms, undefined, "no time is known");
  });

  it("says files where only edits are told, and the numbers of all other calls", () => {
    const made = ["write_file", "problems", "ask_user", "delegate", "list_files", "other", "other"];
    const calls = made.map((name, at) => ({ id: `c${at}`, name, arguments: { path: "a.ts" } }));
    const results = calls.map(({ id }) => ({ call: id, text: "ok" }));
    const [first, second] = steps;
    assert(first && second);
    assert.deepEqual(
      stepsSum(
        turnOf([
          { ...first, calls },
          { ...second, results },
        ]),
        formats,
      ).done,
      [...["1 file edited", "1 folder listed", "1 look at problems", "1 question", "1 delegate", "2 other calls"]],
    );
  });

  it("is a button with a state, which shows failures and has all of it in its title", () => {
    let pressed = 0;
    const line = stepsLine(ended, false, () => pressed++, formats);
    assert.equal(line.props["aria-expanded"], "false");
    assert.equal(
      nodesOf(line).find(({ props }) => props["title"] !== undefined)?.props["title"],
      "11 steps · 2 files read · 2 edited · 1 command · 2 searches · 2 failed · 1 denied · 2,965 tokens · 14.3 s",
    );
    const icons = nodesOf(line).flatMap(({ props }) => (props.class?.includes("codicon") ? [props.class] : []));
    assert.match(icons.join(), /codicon-error err.*codicon-circle-slash/);
    assert.match(text(line), /2 failed1 denied/);
    click(line);
    assert.equal(pressed, 1);
    assert.equal(stepsLine(ended, true, () => {}, formats).props["aria-expanded"], "true");
  });
});

describe("the steps of a turn that are shown", () => {
  const shown = (open: OpenSteps, turn = ended, now?: StepsShown, isRead = false) =>
    open.of(turn, true, now, () => isRead);

  it("are all while it runs, while its calls are to be made, and where they are few", () => {
    const open = new OpenSteps([]);
    assert.equal(shown(open, running), "all");
    assert.equal(shown(open, turnOf(manySteps.slice(0, 6))), "all");
    assert.equal(
      open.of(turnOf(manySteps.slice(0, 6)), false, undefined, () => false),
      "closed",
    );
    assert.equal(shown(open, turnOf(manySteps.slice(-4))), "all");
    assert.equal(shown(open), "closed");
  });

  it("stay all when it ends under a reader, until that one has left", () => {
    const open = new OpenSteps([]);
    assert.equal(shown(open, ended, "all", true), "all");
    assert.deepEqual(open.waiting, [ended.id]);
    assert.equal(shown(open, ended, "all", false), "closed");
    assert.deepEqual(open.waiting, []);
    assert.equal(shown(open, ended, "closed", true), "closed", "what is closed is not opened by reading");
    shown(open, ended, "all", true);
    open.keepOnly(new Set());
    assert.deepEqual(open.waiting, []);
  });

  it("are those that a person opened, of which the last hundred are remembered", () => {
    const open = new OpenSteps([ended.id]);
    assert.equal(shown(open), "open");
    open.set(ended.id, false);
    assert.equal(shown(open), "closed");
    for (let at = 0; at < 120; at++) open.set(`t${at}`, true);
    open.set("t30", true);
    assert.equal(open.all.length, 100);
    assert.equal(open.all.at(-1), "t30");
  });
});

describe("a turn of many steps in the page", () => {
  useDocument();

  const last = manySteps.at(-1);
  assert(last);

  function open(turns: readonly PageTurn[], state?: unknown): ChatInDocument {
    const chat = new ChatInDocument(state);
    chat.show({ type: "snapshot", snapshot: { ...longSnapshot(1), turns } satisfies ChatSnapshot });
    return chat;
  }

  const folded = () => [...document.querySelectorAll(".step")].filter((step) => step.hasAttribute("hidden")).length;
  const line = () => document.querySelector(".steps-line");
  const press = () => line()?.dispatchEvent(new Event("click", { bubbles: true }));

  it("folds its steps before the last one when it ends, and keeps their elements", () => {
    const chat = open(manyStepsRunning);
    const before = [...document.querySelectorAll(".step")];
    assert.deepEqual([before.length, folded(), line()], [12, 0, null]);
    chat.show({ type: "turn", turn: last });
    assert.deepEqual([...document.querySelectorAll(".step")], before);
    assert.equal(folded(), 11);
    assert.equal(line()?.getAttribute("aria-expanded"), "false");
    assert.equal(document.querySelectorAll(".step[role=group]").length, 1);
    assert.equal(before.at(-1)?.querySelector(".small-foot"), null, "its figures are told in sum");
  });

  it("opens by its line, stays open over updates and a reload, and closes", () => {
    const chat = open(manySteps);
    assert.equal(folded(), 11);
    press();
    assert.equal(folded(), 0);
    assert.equal(line()?.getAttribute("aria-expanded"), "true");
    chat.show({ type: "turn", turn: { ...last, answer: "Else." } });
    assert.equal(folded(), 0);
    chat.page.element.remove();
    const again = open(manySteps, chat.state);
    assert.equal(folded(), 0);
    press();
    assert.equal(folded(), 11);
    again.page.element.remove();
    open(manySteps, again.state);
    assert.equal(folded(), 11);
  });

  it("opens when a search finds text in a step", () => {
    open(manySteps);
    const found = document.querySelectorAll(".step")[3];
    found?.dispatchEvent(new Event("beforematch", { bubbles: true }));
    assert.equal(folded(), 0);
  });

  it("waits with folding for the focus to leave it", () => {
    const chat = open(manyStepsRunning);
    let focused = document.querySelector("summary");
    Object.defineProperty(document, "activeElement", { configurable: true, get: () => focused ?? document.body });
    try {
      chat.show({ type: "turn", turn: last });
      assert.deepEqual([folded(), line()], [0, null]);
      focused = null;
      document.querySelector("summary")?.dispatchEvent(new Event("focusout", { bubbles: true }));
      chat.frame();
      assert.equal(folded(), 11);
    } finally {
      Reflect.deleteProperty(document, "activeElement");
    }
  });
});
