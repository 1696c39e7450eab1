import assert from "node:assert/strict";
import { createFormats } from "../../../src/common/format";
import { hiddenCharacters } from "../../../src/common/hiddenCharacters";
import type { ActingState } from "../../../src/protocol/acting";
import type { ChatCommand, ChatSnapshot } from "../../../src/protocol/chat";
import type { PageTurn } from "../../../src/protocol/page";
import { actingAnnouncement } from "../../../src/webview/chat/announcements";
import { waitingBar } from "../../../src/webview/chat/approval";
import { isBusy, sendBlocked } from "../../../src/webview/chat/derived";
import { headerView } from "../../../src/webview/chat/header";
import { ShownTurns } from "../../../src/webview/chat/shownTurns";
import { emptyChat, reduceChat } from "../../../src/webview/chat/state";
import { type TurnPlace, turnView } from "../../../src/webview/chat/turn";
import { hasOwnWay, waysView } from "../../../src/webview/chat/ways";
import { Answers } from "../../../src/webview/shared/answers";
import { KeptTrees } from "../../../src/webview/shared/kept";
import type { TreeNode } from "../../../src/webview/shared/tree";
import {
  acted,
  actingAsks,
  actingDelegates,
  actingHostile,
  actingRuns,
  actingStopped,
  actingWaits,
  ownWay,
  waysChosen,
  waysRun,
} from "../../support/webview/samples/acting";
import { figures } from "../../support/webview/samples/agents";
import { chatSamples } from "../../support/webview/samples/chat";
import { buttons, byRole, nodesOf, press, text } from "../../support/webview/trees";

const formats = createFormats("en");

function snapshotOf(name: string): ChatSnapshot {
  const update = chatSamples[name]?.[0];
  if (update?.type !== "snapshot") throw new Error(`no sample ${name}`);
  return update.snapshot;
}

function viewer() {
  const commands: ChatCommand[] = [];
  const run = (command: ChatCommand) => commands.push(command);
  const context = { formats, answers: new Answers(() => {}), kept: new KeptTrees(), run, done: () => undefined };
  const show = (nodes: readonly PageTurn[], acting?: ActingState, place: Partial<TurnPlace> = {}): TreeNode => {
    const turn = new ShownTurns().of(nodes).at(-1);
    assert(turn);
    const at = { number: 1, isHead: true, fixed: false, acting, ...place };
    return turnView(turn, at, { ...context, edit: () => {}, showSteps: () => {} });
  };
  return { commands, show, run };
}

const lines = (node: TreeNode) => nodesOf(node).filter(({ props }) => props.class === "call");
const summaries = (node: TreeNode) =>
  nodesOf(node)
    .filter(({ type }) => type === "summary")
    .map((one) => text(one));
const isOpen = (node: TreeNode) => lines(node).map(({ props }) => props["open"] === true);
const allow = (call: string) => ({ type: "decide", call, way: "allow" });

describe("the calls of an agent that acts", () => {
  it("are asked about in their place: what waits is open, with its changes and its buttons", () => {
    const { show, commands } = viewer();
    const node = show(actingWaits.turns, actingWaits.acting);
    assert.deepEqual(summaries(node), [
      "Editsrc/parser/recover.tswaits for you",
      "Writetest/parser/recover.test.tswaits for its turn",
      'Runnpm test -- --grep "recover"waits for you',
    ]);
    assert.deepEqual(isOpen(node), [true, false, true]);
    const question = nodesOf(node).find(({ props }) => props["aria-label"] === "Edit src/parser/recover.ts (+2 −2)");
    assert(question);
    assert.deepEqual(buttons(question), ["Accept", "Open Diff", "Accept All Edits", "Reject"]);
    for (const name of buttons(question)) press(name, question);
    assert.deepEqual(commands, [
      allow("e1"),
      { type: "openDiff", call: "e1" },
      { type: "decide", call: "e1", way: "always" },
      { type: "decide", call: "e1", way: "deny" },
    ]);
    assert.match(text(node), /2 calls wait for you/);
  });

  it("show what a command prints while it runs, and what they took when they have ended", () => {
    const { show } = viewer();
    const node = show(actingRuns.turns, actingRuns.acting);
    assert.deepEqual(isOpen(node), [false, false, true]);
    assert.match(text(node), /Output so far.*stops at the end of the function/s);
    assert.deepEqual(summaries(node), [
      "Editsrc/parser/recover.tsdone14 ms",
      "Writetest/parser/recover.test.tsdenied",
      'Runnpm test -- --grep "recover"running4.2 s',
    ]);
    assert.match(text(node), /1 call under way/);
    const ended = summaries(show(acted, { calls: [] }));
    assert.deepEqual(ended.slice(0, 3), [
      "Editsrc/parser/recover.ts+2 −238 tokens · 14 ms",
      "Writetest/parser/recover.test.ts+5 −031 tokens · 6 ms",
      'Runnpm test -- --grep "recover"failed: exit 1412 tokens · 4.3 s',
    ]);
  });

  it("show the changes of an edit also when it is over, and open them in an editor", () => {
    const { show, commands } = viewer();
    const node = show(acted, { calls: [] });
    const diffs = nodesOf(node).filter(({ type }) => type === "ins" || type === "del");
    assert.equal(diffs.length, 9);
    press("Open diff: edit_file, call 1", node);
    assert.deepEqual(commands, [{ type: "openDiff", call: "e1" }]);
  });

  it("have a field where the agent asks something", () => {
    const { show } = viewer();
    const node = show(actingAsks.turns, actingAsks.acting);
    const field = nodesOf(node).find(({ type }) => type === "textarea");
    assert.equal(field?.props["aria-label"], "Answer: Shall interfaces recover in the same way?");
    assert(buttons(node).includes("Answer") && buttons(node).includes("Skip"));
    assert.doesNotMatch(text(node), /Question/, "it is said once");
  });

  it("lead to the transcripts of delegates, while they work and later", () => {
    const { show, commands } = viewer();
    press("Open the transcript of delegate, call 2", show(actingDelegates.turns, actingDelegates.acting));
    press("Open the transcript of delegate, call 2", show(acted, { calls: [] }));
    assert.deepEqual(commands, [
      { type: "openAgent", agent: "fork-2" },
      { type: "openAgent", agent: "fork-1" },
    ]);
  });

  it("say why the agent stopped by itself, and go on", () => {
    const { show, commands } = viewer();
    const node = show(actingWaits.turns, actingStopped);
    assert.match(text(node), /It made the same call with the same result three times/);
    press("Go On", node);
    press("Go On", show(actingWaits.turns, { calls: [] }));
    assert.deepEqual(commands, [{ type: "goOn" }, { type: "goOn" }]);
    assert(!buttons(show(actingWaits.turns, actingStopped, { fixed: true })).includes("Go On"));
    assert(!buttons(show(actingWaits.turns)).includes("Go On"), "without tools nothing goes on");
  });

  it("tell what was changed in sum, and put it back", () => {
    const { show, commands } = viewer();
    const node = show(acted, { calls: [] });
    assert.match(text(node), /2 files changed \+7 −2/);
    press("Put Files Back…", node);
    assert.deepEqual(commands, [{ type: "restoreFiles", turn: "g1" }]);
  });

  it("are harmless, whatever is in them", () => {
    const { show, run } = viewer();
    const node = show(actingHostile.turns, actingHostile.acting);
    const bar = waitingBar(actingHostile.acting.calls, { run, jump: () => {}, leave: () => {} });
    assert.deepEqual(hiddenCharacters(text(node, bar).replaceAll("\u2068", "").replaceAll("\u2069", "")), []);
    assert(!nodesOf(node, bar).some(({ type }) => type === "img"));
  });
});

describe("the bar of what waits for the person", () => {
  const jumps: string[] = [];
  const bar = (acting: ActingState, commands: ChatCommand[] = []) =>
    waitingBar(acting.calls, {
      run: (command) => commands.push(command),
      jump: (call) => jumps.push(call),
      leave: () => {},
    });

  it("lists all of it with its answers, and nothing where nothing waits", () => {
    const commands: ChatCommand[] = [];
    const node = bar(actingWaits.acting, commands);
    assert.equal(byRole("group", node).props["aria-label"], "2 things wait for you");
    const rows = nodesOf(node).filter(({ props }) => props["role"] === "toolbar");
    assert.deepEqual(
      rows.map(({ props }) => props["aria-label"]),
      ["Edit src/parser/recover.ts (+2 −2)", 'Run npm test -- --grep "recover"'],
    );
    assert.deepEqual(buttons(rows[1]), ["Run", "Always Run `npm test`", "Deny", "Show"]);
    press("Run", rows[1]);
    press("Show", rows[1]);
    assert.deepEqual(commands, [allow("r1")]);
    assert.deepEqual(jumps, ["r1"]);
    assert.equal(bar(actingRuns.acting), undefined);
  });

  it("leads to the field of a question", () => {
    jumps.length = 0;
    const node = bar(actingAsks.acting);
    assert.deepEqual(buttons(node), ["Answer…", "Skip"]);
    press("Answer…", node);
    assert.deepEqual(jumps, ["a1"]);
  });

  it("is announced when something new waits, and so is why the agent stopped", () => {
    const at = (name: string, change: Partial<ChatSnapshot> = {}) => ({ ...snapshotOf(name), ...change });
    const before = at("acted");
    const after = at("actingWaits");
    assert.equal(
      actingAnnouncement(before, after),
      'Parser reviewer asks: Edit src/parser/recover.ts (+2 −2). Parser reviewer asks: Run npm test -- --grep "recover"',
    );
    assert.equal(actingAnnouncement(after, at("actingWaits", { acting: { ...actingWaits.acting } })), "");
    assert.match(actingAnnouncement(after, at("actingStopped")), /^It made the same call/);
    assert.equal(
      actingAnnouncement(at("waysRunning"), at("ways")),
      "3 answers can be compared, and one of them chosen",
    );
  });
});

describe("a chat whose agent acts", () => {
  it("can be stopped while a call runs or waits, and takes no message while one runs", () => {
    const stop = (name: string) => {
      const found = nodesOf(headerView(snapshotOf(name), formats, () => {})).find(
        ({ props }) => props["aria-label"] === "Stop",
      );
      return found?.props["disabled"] === false;
    };
    assert.deepEqual(["actingWaits", "actingRuns", "acted"].map(stop), [true, true, false]);
    assert.equal(isBusy(snapshotOf("actingWaits")), false);
    assert.equal(sendBlocked(snapshotOf("actingWaits")), undefined);
    assert.equal(sendBlocked(snapshotOf("actingRuns")), "Available when its calls have ended.");
    assert.equal(sendBlocked(snapshotOf("ways")), "Choose one of the answers first.");
  });

  it("offers several answers to its last message, and only to that", () => {
    const { show, commands } = viewer();
    press("Answer three ways", show(acted, { calls: [] }));
    assert.deepEqual(commands, [{ type: "ways", turn: "g1", count: 3 }]);
    const offers = (place: Partial<TurnPlace>, acting?: ActingState) =>
      buttons(show(acted, acting, place)).includes("Answer three ways");
    assert(!offers({ isHead: false }, { calls: [] }));
    assert(!offers({}, undefined));
  });
});

describe("several answers side by side", () => {
  const show = (state: typeof waysRun, commands: ChatCommand[] = []) =>
    waysView(state, { formats, answers: new Answers(() => {}), run: (command) => commands.push(command) });

  it("are chosen when all have ended, and their transcripts can be opened", () => {
    const commands: ChatCommand[] = [];
    const node = show(waysChosen, commands);
    press("Choose Answer 3", node);
    press("Open Transcript of answer 2", node);
    assert.deepEqual(commands, [
      { type: "chooseWay", way: 2 },
      { type: "openAgent", agent: "fork-1" },
    ]);
    assert.match(
      text(node),
      /Answer 3.*I look for its callers first\..*Search.*2 matches.*Stop at the first token.*2 steps/s,
    );
  });

  it("have the agent's own among them, which does not stand above them too", () => {
    const own = ownWay(waysRun);
    const { show: turnOf } = viewer();
    assert.ok(hasOwnWay(waysRun, own.id));
    for (const [state, turn] of [
      [waysRun, "x2"],
      [waysRun, undefined],
      [undefined, own.id],
      [{ ...waysRun, ways: waysRun.ways.slice(1) }, own.id],
    ] as const) {
      assert.ok(!hasOwnWay(state, turn));
    }
    const node = turnOf([own], undefined, { isAmongWays: true });
    assert.equal(text(node), own.user);
    assert.deepEqual([node.props["aria-label"], node.props["aria-busy"]], ["Turn 1", undefined]);
    assert.match(text(turnOf([own])), /Pass the end/);
  });

  it("cannot be chosen while they run, but stopped", () => {
    const commands: ChatCommand[] = [];
    const node = show(waysRun, commands);
    const choose = nodesOf(node).filter((one) => one.type === "button" && text(one).startsWith("Choose Answer"));
    assert.deepEqual(
      choose.map(({ props }) => props["disabled"]),
      [true, true, true],
    );
    press("Stop", node);
    assert.deepEqual(commands, [{ type: "stop" }]);
  });

  it("grow by their updates; a gap asks for a snapshot", () => {
    const snapshot = snapshotOf("waysRunning");
    const start = reduceChat(emptyChat, { type: "snapshot", snapshot });
    const delta = { offset: 18, text: " it skips", figures: figures(1, 2, 3) };
    const grown = reduceChat(start, { type: "wayText", way: 1, delta });
    assert.equal(grown.snapshot?.ways?.ways[1]?.turn.answer, "Count braces while it skips");
    assert.equal(grown.snapshot?.ways?.ways[0], start.snapshot?.ways?.ways[0]);
    assert(reduceChat(start, { type: "wayText", way: 1, delta: { ...delta, offset: 40 } }).stale);
    assert.equal(reduceChat(start, { type: "wayText", way: 3, delta }), start);
    const progress = { type: "prefill", done: 30, total: 45, reused: 0, tokensPerSecond: 0 } as const;
    const read = reduceChat(start, { type: "wayProgress", way: 2, progress });
    assert.deepEqual(read.snapshot?.ways?.ways[2]?.turn.progress, progress);
    assert.equal(reduceChat(grown, { type: "ways" }).snapshot?.ways, undefined);
  });
});
