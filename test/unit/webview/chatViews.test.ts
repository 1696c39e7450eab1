import assert from "node:assert/strict";
import { createFormats } from "../../../src/common/format";
import { pageTurn } from "../../../src/extension/pages/pageModel";
import type { ChatCommand, ChatSnapshot } from "../../../src/protocol/chat";
import type { PageTurn, RunProgress } from "../../../src/protocol/page";
import type { AgentSummary, TurnView } from "../../../src/protocol/service";
import { noteMark } from "../../../src/protocol/toolNames";
import { headerView } from "../../../src/webview/chat/header";
import { readOnlyBanner } from "../../../src/webview/chat/readOnlyBanner";
import { type TurnPlace, turnView } from "../../../src/webview/chat/turn";
import { Answers } from "../../../src/webview/shared/answers";
import { engineNotice } from "../../../src/webview/shared/engineNotice";
import { KeptTrees } from "../../../src/webview/shared/kept";
import type { TreeNode } from "../../../src/webview/shared/tree";
import { chatSamples } from "../../support/webview/samples/chat";
import { buttons, byRole, nodesOf, press, text } from "../../support/webview/trees";

const formats = createFormats("en");
const place: TurnPlace = { number: 1, isHead: false, fixed: false };

function sample(name: string): ChatSnapshot {
  const update = chatSamples[name]?.[0];
  if (update?.type !== "snapshot") throw new Error(`no sample ${name}`);
  return update.snapshot;
}

function turnOf(name: string, index: number): PageTurn {
  const turn = sample(name).turns.at(index);
  if (!turn) throw new Error(`sample ${name} has no turn ${index}`);
  return turn;
}

function toolbarOf(name: string, node: TreeNode): TreeNode {
  const found = nodesOf(node).find(({ props }) => props["role"] === "toolbar" && props["aria-label"] === name);
  if (!found) throw new Error(`no toolbar is called ${name}`);
  return found;
}

function show(
  turn: PageTurn,
  at: TurnPlace = place,
): { readonly node: TreeNode; readonly commands: ChatCommand[]; readonly edited: readonly string[] } {
  const commands: ChatCommand[] = [];
  const run = (command: ChatCommand) => commands.push(command);
  const edited: string[] = [];
  const edit = () => edited.push(turn.user);
  const stated = { formats, answers: new Answers(() => {}), kept: new KeptTrees(), run, done: () => undefined };
  const context = { ...stated, edit, showSteps: () => {} };
  return { node: turnView({ id: turn.id, steps: [turn] }, at, context), commands, edited };
}

describe("a turn in the chat", () => {
  it("is an article that says what it is at", () => {
    assert.equal(show(turnOf("done", 0)).node.props["aria-label"], "Turn 1");
    assert.equal(show(turnOf("stopped", 0)).node.props["aria-label"], "Turn 1, stopped");
    assert.equal(show(turnOf("done", 0)).node.props["aria-busy"], undefined);
    assert.equal(show(turnOf("waiting", -1)).node.props["aria-busy"], "true");
  });

  it("offers fork, rewind, regenerate and copy when it has ended", () => {
    const { node, commands } = show(turnOf("done", 0));
    const toolbar = toolbarOf("Turn actions", node);
    for (const name of buttons(toolbar)) press(name, toolbar);
    assert.deepEqual(
      commands.map(({ type }) => type),
      ["fork", "rewind", "regenerate", "copy"],
    );
  });

  it("folds what stands in the place of a person's message, and says what it is", () => {
    const noteOf = (turn: Partial<PageTurn>) => {
      const { node } = show({ ...turnOf("done", 0), ...turn });
      assert.equal(
        nodesOf(node).some(({ props }) => props.class === "ask"),
        false,
      );
      return text(nodesOf(node).find(({ props }) => props.class === "note") ?? node);
    };
    assert.match(noteOf({ user: "[A summary]", summary: { turns: 12 } }), /^Summary of 12 earlier turns\[A summary\]$/);
    assert.match(noteOf({ user: `${noteMark} There is no such tool.` }), /^Told by Resident.*no such tool/);
  });

  it("shows what was thought folded, with its tokens and how long it took", () => {
    const shown = (turn: PageTurn) => {
      const { node } = show(turn);
      const fold = nodesOf(node).find(({ type }) => type === "details");
      assert.ok(fold !== undefined);
      assert.equal(fold.props["open"], undefined);
      return text(nodesOf(fold).find(({ type }) => type === "summary") ?? fold);
    };
    assert.equal(shown(turnOf("thought", 0)), "Thought for 3.2 s · 412 tokens");
    assert.equal(shown(turnOf("thought", 2)), "Thought");
    const { figures, ...rest } = turnOf("thought", 0);
    assert.ok(figures !== undefined);
    assert.equal(
      shown({ ...rest, figures: { ...figures, thinking: { tokens: 1, ms: 0 } } }),
      "Thought for 0 ms · 1 token",
    );
    assert.equal(shown(turnOf("thinking", -1)), "Thinking · 96 tokens");
    assert.equal(show(turnOf("thinking", -1)).node.props["aria-label"], "Turn 1, thinking");
    assert.ok(!nodesOf(show(turnOf("done", 0)).node).some(({ type }) => type === "details"));
    const cut = show(turnOf("thought", 1), { ...place, isHead: true });
    assert.ok(buttons(cut.node).includes("Continue"));
  });

  it("lets its message be edited and copied", () => {
    const turn = turnOf("done", 0);
    const { node, commands, edited } = show(turn);
    const toolbar = toolbarOf("Message actions", node);
    press("Edit message", toolbar);
    press("Copy message", toolbar);
    assert.deepEqual(edited, [turn.user]);
    assert.deepEqual(commands, [{ type: "copy", text: turn.user }]);
  });

  it("can be continued at the head where its answer was cut, and only there", () => {
    const offers = (turn: PageTurn, at: Partial<TurnPlace> = {}) =>
      buttons(show(turn, { ...place, isHead: true, ...at }).node).includes("Continue");
    const done = turnOf("done", 0);
    assert(offers({ ...done, finishReason: "aborted" }));
    assert(offers({ ...done, finishReason: "length" }));
    assert(offers(turnOf("interrupted", -1)));
    assert(!offers(done));
    assert(!offers({ ...done, finishReason: "aborted", answer: "" }), "nothing was said");
    assert(!offers({ ...done, finishReason: "aborted" }, { isHead: false }));
    assert(!offers({ ...done, finishReason: "aborted" }, { fixed: true }));
    const { node, commands } = show({ ...done, finishReason: "length" }, { ...place, isHead: true });
    press("Continue", node);
    assert.deepEqual(commands, [{ type: "continue" }]);
    assert.match(text(node), /answer limit reached/);
  });

  it("changes nothing while another answer runs or the agent is read only", () => {
    const { node } = show(turnOf("done", 0), { ...place, fixed: true });
    const enabled = nodesOf(node).filter(({ type, props }) => type === "button" && props["disabled"] !== true);
    assert.deepEqual(
      enabled.map(({ props }) => props["aria-label"]),
      ["Copy message", "Fork here", "Copy answer"],
    );
  });

  it("says why a part of the cache was refused, what was kept, and that the source is partial", () => {
    const shown = text(show(turnOf("done", 2)).node);
    assert.match(shown, /Block 12 failed its checksum: 768 of 3,102 tokens restored, the rest was read again\./);
    assert.match(shown, /restored in part/);
    const { node, commands } = show(turnOf("done", 2));
    press("Verify Store", node);
    assert.deepEqual(commands, [{ type: "act", action: "verifyStore", turn: "t3" }]);
  });

  it("keeps what was said when it was stopped, and says when nothing was", () => {
    assert.match(text(show(turnOf("stopped", 0)).node), /called from parseBlock when.*stopped/s);
    assert.match(text(show(turnOf("stopped", 1)).node), /Stopped before the answer began/);
  });

  it("offers to regenerate what was interrupted", () => {
    const { node, commands } = show(turnOf("interrupted", -1));
    press("Regenerate", byRole("note", node));
    assert.deepEqual(commands, [{ type: "regenerate", turn: "t2" }]);
  });

  it("offers to save again what could not be saved", () => {
    const { node, commands } = show(turnOf("saveFailed", -1));
    assert.match(text(node), /Not saved: the disk is full\./);
    press("Retry", node);
    assert.deepEqual(commands, [{ type: "act", action: "retrySave", turn: "t1" }]);
  });

  it("warns behind the figures when the disk was full, with the way to save again, as the service tells it", () => {
    const saveError = { code: "DISK_FULL", what: "the disk is full", advice: "free some space", facts: {} } as const;
    const { figures } = turnOf("done", 0);
    const told: TurnView = { id: "t9", user: "a", answer: "b", state: "done", createdAt: 0, saveError };
    const { node, commands } = show(pageTurn({ ...told, ...(figures && { figures }) }, "en"));
    assert.match(text(node), /1,842 reused.*Not saved: the disk is full\./s);
    press("Retry", byRole("note", node));
    assert.deepEqual(commands, [{ type: "act", action: "retrySave", turn: "t9" }]);
  });

  it("shows a pool that is too small with its numbers, what was kept and the ways on, as an alert", () => {
    const { node, commands } = show(turnOf("poolExhausted", -1));
    const alert = byRole("alert", node);
    assert.match(text(alert), /287 blocks.*18,368 tokens.*256 blocks.*16,384 tokens.*are kept/s);
    press("Grow Pool to 320 Blocks (720 MB)", alert);
    assert.deepEqual(commands, [{ type: "act", action: "growPool", turn: "t12" }]);
  });
});

describe("an answer that has not begun", () => {
  const progressOf = (progress: RunProgress) => show({ ...turnOf("waiting", -1), progress }).node;

  it("tells assistive technology in words what has been read and what is left", () => {
    const node = progressOf({ type: "prefill", done: 1536, total: 2891, reused: 3294, tokensPerSecond: 515 });
    const bar = byRole("progressbar", node);
    assert.equal(bar.props["aria-valuetext"], "1,536 of 2,891 tokens read, about 3 seconds left");
    assert.equal(bar.props["aria-valuenow"], 4830);
    assert.equal(bar.props["aria-valuemax"], 6185);
    assert.match(text(node), /1,536 of 2,891 tokens read · 3,294 reused · 515 tok\/s/);
  });

  it("says nothing of the time left while the speed is not known", () => {
    const node = progressOf({ type: "prefill", done: 0, total: 10, reused: 0, tokensPerSecond: 0 });
    assert(!text(node).includes("left"));
  });

  it("says what it waits for, and can be cancelled", () => {
    const node = progressOf({ type: "queued", neededBlocks: 40, turnsAhead: 2 });
    assert.match(text(node), /Waiting for 40 blocks.*2 turns ahead.*Cancel/s);
    assert.match(text(progressOf({ type: "waitingModel", reason: "2 turns of A, then 1.7 GB to load" })), /1\.7 GB/);
  });

  it("can be stopped", () => {
    const { node, commands } = show(turnOf("waiting", -1));
    press("StopEsc", node);
    assert.deepEqual(commands, [{ type: "stop" }]);
  });
});

describe("the chat's header", () => {
  it("offers to change how the agent thinks where its model's template asks, and tells the day that is written", () => {
    const commands: ChatCommand[] = [];
    const header = (snapshot: ChatSnapshot) => headerView(snapshot, formats, (command) => commands.push(command));
    const asked = sample("thought");
    press("Thinking: off", header(asked));
    assert.deepEqual(commands, [{ type: "thinking" }]);
    assert.ok(buttons(header(sample("thinking"))).includes("Thinking: on"));
    const silent = { ...asked, modelFacts: { thinkingChoices: [], insistsOnDate: false } };
    assert.ok(!buttons(header(silent)).some((name) => name.startsWith("Thinking")));
    const titles = (snapshot: ChatSnapshot) => nodesOf(header(snapshot)).map(({ props }) => String(props["title"]));
    assert.ok(titles(asked).some((title) => title.includes("always 2026-11-30")));
    assert.ok(!titles(silent).some((title) => title.includes("2026-11-30")));
  });

  const header = (name: string) => headerView(sample(name), formats, () => {});

  it("says once on which host a server answers", () => {
    for (const [name, host] of [
      ["server", "studio.local:8000"],
      ["serverUntold", "the-large-machine-in-the-cellar.example.org:8000"],
    ] as const) {
      assert.equal(text(header(name)).split(host).length, 2, name);
      assert.ok(text(header(name)).includes(`on ${host}`));
    }
    assert.ok(text(header("server")).includes("Qwen3-235B-A22B-Instruct"));
  });

  const enabledIn = (node: TreeNode) =>
    nodesOf(node)
      .filter(({ type, props }) => type === "button" && props["disabled"] !== true)
      .map(({ props }) => props["aria-label"]);

  it("pins the agent and unpins it, and says which it is", () => {
    const commands: ChatCommand[] = [];
    const snapshot = sample("done");
    const headerOf = (pinned: boolean) =>
      headerView({ ...snapshot, agent: { ...snapshot.agent, pinned } }, formats, (command) => commands.push(command));
    for (const pinned of [false, true]) {
      const node = headerOf(pinned);
      assert(nodesOf(node).some(({ props }) => props["aria-pressed"] === String(pinned)));
      press("Pin in memory", node);
    }
    assert.deepEqual(commands, [
      { type: "pin", pinned: true },
      { type: "pin", pinned: false },
    ]);
  });

  it("has a menu of VS Code's own that knows its agent", () => {
    const more = nodesOf(header("done")).find(({ props }) => props["aria-label"] === "More actions");
    const context: unknown = JSON.parse(String(more?.props["data-vscode-context"]));
    assert.deepEqual(context, { webviewSection: "agent", agent: "agent-0", preventDefaultContextMenuItems: true });
  });

  it("tells the tokens in memory from those of the conversation, where more were read ahead", () => {
    const titleOf = (change: Partial<AgentSummary>) => {
      const snapshot = sample("done");
      const node = headerView({ ...snapshot, agent: { ...snapshot.agent, ...change } }, formats, () => {});
      return String(nodesOf(node).find(({ props }) => props.class?.includes("chip"))?.props["title"]);
    };
    assert.equal(
      titleOf({ tokens: 98, hotTokens: 102 }),
      "Hot: 102 tokens are in memory. The conversation has 98; 4 were read ahead for the next message.",
    );
    assert.equal(titleOf({ tokens: 98, hotTokens: 97 }), "Hot: 97 tokens are in memory. The conversation has 98.");
  });

  it("says that the agent has a sampling of its own, and which", () => {
    const snapshot = sample("done");
    const agent = { ...snapshot.agent, sampling: { temperature: 0.2, topP: 0.9 } };
    const own = nodesOf(headerView({ ...snapshot, agent }, formats, () => {})).filter(
      ({ props }) => props["title"] === "Sampling of this agent: temperature 0.2, topP 0.9",
    );
    assert.deepEqual(
      own.map((node) => text(node)),
      ["own sampling"],
    );
    assert.doesNotMatch(text(headerView(snapshot, formats, () => {})), /own sampling/);
  });

  it("has a meter of the context, in words too", () => {
    const meter = byRole("meter", header("done"));
    assert.equal(meter.props["aria-valuetext"], "3,425 of 32,768 tokens");
  });

  it("tells how much is left when the context is nearly full, and when it is full, by what is used alone", () => {
    assert.match(text(byRole("meter", header("nearlyFull"))), /1,204 left/);
    assert.doesNotMatch(text(byRole("meter", header("tooLong"))), /full/);
    assert.match(text(byRole("meter", header("tooLong"))), /80 of 32,768/);
    assert.match(text(byRole("meter", header("full"))), /context full/);
  });

  it("has nothing to fork or rewind in a new agent", () => {
    assert.deepEqual(enabledIn(header("empty")), ["Pin in memory", "More actions"]);
  });

  it("offers a fork of an agent that is locked, not a rewind", () => {
    assert.deepEqual(enabledIn(header("locked")), ["Fork agent", "More actions"]);
  });
});

describe("why there can be no answer", () => {
  const notice = (name: string) => engineNotice(sample(name).engine, { formats, run: () => {}, remainingMs: 2000 });

  it("is not said while all is well", () => assert.equal(notice("done"), undefined));

  it("is a note with a way on when no model is chosen", () => {
    const node = notice("noModel");
    assert.match(
      text(node),
      /^Choose a model first, or get the starter model, .* Agents and what they have read are kept\./,
    );
    assert.deepEqual(buttons(node), ["Choose Model…", "Get Starter Model"]);
  });

  it("is an alert with its reason when the addon is missing", () => {
    assert.match(text(byRole("alert", notice("addonMissing"))), /built for another platform.*Agents on disk are kept/s);
  });

  it("is a bar with bytes and the time left while the model loads", () => {
    const bar = byRole("progressbar", notice("loading"));
    assert.equal(bar.props["aria-valuetext"], "1.08 of 1.74 GB, about 2 seconds left");
  });

  it("is a calm note with a lock when another window has the agent", () => {
    const { readOnly } = sample("locked");
    assert(readOnly);
    const banner = readOnlyBanner(readOnly, formats, () => {});
    assert.match(text(byRole("note", banner)), /Open in another window/);
    assert.deepEqual(buttons(banner), ["Fork Agent…", "Try Again"]);
  });
});
