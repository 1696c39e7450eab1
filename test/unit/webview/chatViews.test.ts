import assert from "node:assert/strict";
import { createFormats } from "../../../src/common/format";
import type { ChatCommand, ChatSnapshot } from "../../../src/protocol/chat";
import type { PageTurn, RunProgress } from "../../../src/protocol/page";
import { headerView } from "../../../src/webview/chat/header";
import { readOnlyBanner } from "../../../src/webview/chat/readOnlyBanner";
import { type TurnPlace, turnView } from "../../../src/webview/chat/turn";
import { Answers } from "../../../src/webview/shared/answers";
import { engineNotice } from "../../../src/webview/shared/engineNotice";
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

function show(turn: PageTurn, at: TurnPlace = place): { readonly node: TreeNode; readonly commands: ChatCommand[] } {
  const commands: ChatCommand[] = [];
  const run = (command: ChatCommand) => commands.push(command);
  return { node: turnView(turn, at, { formats, answers: new Answers(() => {}), run }), commands };
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
    const toolbar = byRole("toolbar", node);
    for (const name of buttons(toolbar)) press(name, toolbar);
    assert.deepEqual(
      commands.map(({ type }) => type),
      ["fork", "rewind", "regenerate", "copy"],
    );
  });

  it("changes nothing while another answer runs or the agent is read only", () => {
    const toolbar = byRole("toolbar", show(turnOf("done", 0), { ...place, fixed: true }).node);
    const enabled = nodesOf(toolbar).filter(({ tag, props }) => tag === "button" && props["disabled"] !== true);
    assert.deepEqual(
      enabled.map(({ props }) => props["aria-label"]),
      ["Fork here", "Copy answer"],
    );
  });

  it("says why a part of the cache was refused, what was kept, and that the source is partial", () => {
    const shown = text(show(turnOf("done", 2)).node);
    assert.match(shown, /Block 12 failed its checksum: 768 tokens restored, the rest was read again\./);
    assert.match(shown, /restored in part/);
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
  const header = (name: string) => headerView(sample(name), formats, () => {});

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

  it("tells how much is left when the context is nearly full, and when it is full", () => {
    assert.match(text(byRole("meter", header("nearlyFull"))), /1,204 left/);
    assert.match(text(byRole("meter", header("full"))), /context full/);
  });

  it("has nothing to fork or rewind in a new agent", () => {
    const enabled = nodesOf(header("empty")).filter(({ tag, props }) => tag === "button" && props["disabled"] !== true);
    assert.equal(enabled.length, 0);
  });

  it("offers a fork of an agent that is locked, not a rewind", () => {
    const enabled = nodesOf(header("locked")).filter(
      ({ tag, props }) => tag === "button" && props["disabled"] !== true,
    );
    assert.deepEqual(
      enabled.map(({ props }) => props["aria-label"]),
      ["Fork agent"],
    );
  });
});

describe("why there can be no answer", () => {
  const notice = (name: string) => engineNotice(sample(name).engine, { formats, run: () => {}, remainingMs: 2000 });

  it("is not said while all is well", () => assert.equal(notice("done"), undefined));

  it("is a note with a way on when no model is chosen", () => {
    const node = notice("noModel");
    assert.match(text(node), /^Choose a model first, or get the starter model, .* Agents and what they have read are kept\./);
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
    assert.match(text(byRole("note", banner)), /open in another window/);
    assert.deepEqual(buttons(banner), ["Fork Agent…", "Try Again"]);
  });
});
