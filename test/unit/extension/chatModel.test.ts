import assert from "node:assert/strict";
import {
  chatBranch,
  chatSnapshot,
  isShown,
  newestTurns,
  newTurn,
  shownBranch,
} from "../../../src/extension/chat/chatModel";
import { editorSelection } from "../../../src/extension/chat/editorSelection";
import { actionCommand, agentTarget } from "../../../src/extension/commands/actionCommands";
import { pageEngine, pageTurn } from "../../../src/extension/pages/pageModel";
import type { EngineState, TurnView } from "../../../src/protocol/service";
import { FakeService, figures, model } from "../../support/extension/fakeService";

const turn = (id: string, parts: Partial<TurnView> = {}): TurnView => ({
  id,
  user: "question",
  answer: "answer",
  state: "done",
  createdAt: 0,
  ...parts,
});
const ready: EngineState = { type: "ready", model, device: "cpu", mlxVersion: "0.32.4" };
const view = { language: "en", engine: ready, hasOtherAgents: false };

describe("a turn on a page", () => {
  it("shows the text so far of a running answer, and its progress while there is none", () => {
    const progress = { type: "restoring", tokens: 9 } as const;
    const running = turn("t", { state: "running", answer: "" });
    assert.equal(pageTurn(running, "en", { text: "so far", figures }).answer, "so far");
    assert.deepEqual(pageTurn(running, "en", { text: "", progress }).progress, progress);
  });

  it("leaves a finished answer as the service tells it", () => {
    assert.equal(pageTurn(turn("t"), "en", { text: "stale" }).answer, "answer");
  });

  it("has the beginnings of long results, and the calls of an answer that runs, each once", () => {
    const results = [{ call: "c1", text: "x".repeat(9000) }];
    const shown = pageTurn(turn("t", { user: "", results }), "en");
    assert.deepEqual(
      shown.results?.map(({ text, length }) => [text.length, length]),
      [[4000, 9000]],
    );
    const call = (id: string) => ({ id, name: "look", arguments: {} });
    const dropped = { reason: "cut", text: "{" } as const;
    const running = turn("t", { state: "running", answer: "", calls: [call("c1")] });
    const grown = pageTurn(running, "en", { text: "so", calls: [call("c1"), call("c2")], dropped, figures });
    assert.deepEqual([grown.calls, grown.dropped], [[call("c1"), call("c2")], dropped]);
  });

  it("gives a failure its buttons, with Send Again where that can help", () => {
    const failed = (code: "INTERNAL" | "CONTEXT_FULL") =>
      pageTurn(turn("t", { state: "failed", error: { code, what: "w", advice: "a", facts: {} } }), "en");
    assert.ok(failed("INTERNAL").problem?.actions.some(({ id }) => id === "sendAgain"));
    assert.ok(!failed("CONTEXT_FULL").problem?.actions.some(({ id }) => id === "sendAgain"));
    assert.equal("error" in failed("INTERNAL"), false);
  });

  it("offers to save again what could not be saved, and the log where a cache was refused", () => {
    const saveError = { code: "DISK_FULL", what: "w", advice: "a", facts: {} } as const;
    const refused = { ...figures, cache: { tier: "warm", refused: { code: "C", reason: "r", atToken: 3 } } } as const;
    const shown = pageTurn(turn("t", { saveError, figures: refused }), "en");
    assert.equal(shown.saveProblem?.actions[0]?.id, "retrySave");
    assert.deepEqual(
      shown.refusalActions?.map(({ id }) => id),
      ["showLog", "verifyStore"],
    );
    assert.equal(shown.storedTokens, undefined);
    assert.equal(pageTurn(turn("t", { figures: refused }), "en", undefined, turn("s", { figures })).storedTokens, 32);
  });
});

describe("a chat's snapshot", () => {
  it("says of an agent that another window holds that it can only be read, with ways on", async () => {
    const service = new FakeService();
    const { id } = await service.createAgent({ name: "Ada" });
    const free = chatSnapshot(await service.getAgent(id), view);
    assert.equal(free.readOnly, undefined);
    const locked = chatSnapshot(service.change(id, { lockedElsewhere: true }), view);
    assert.deepEqual(
      locked.readOnly?.actions.map((action) => action.id),
      ["fork", "tryAgain"],
    );
  });

  it("says why an agent that is damaged cannot go on, with the repair first, and goes on after it", async () => {
    const service = new FakeService();
    const { id } = await service.createAgent({ name: "Ada" });
    const damage = {
      code: "AGENT_CORRUPT",
      what: "Ada is damaged",
      advice: "repair it",
      facts: { agent: id },
    } as const;
    const damaged = chatSnapshot(service.change(id, { damage }), view);
    assert.equal(damaged.readOnly?.error.what, "Ada is damaged");
    assert.equal(damaged.readOnly?.actions[0]?.id, "repair");
    assert.deepEqual(actionCommand("repair", agentTarget(damage.facts)).argument, { agent: id });
    await service.repairAgent(id);
    assert.equal(chatSnapshot(await service.getAgent(id), view).readOnly, undefined);
  });

  it("says what the draft carries, what is pinned, and what the context consists of", async () => {
    const detail = await new FakeService().createAgent({ name: "Ada" });
    const contextParts = { instructions: 3, files: 40, conversation: 7 };
    const files = { attachments: [], pinnedFiles: { files: [{ path: "a.ts", state: "read" }] } } as const;
    const { agent, ...snapshot } = chatSnapshot({ ...detail, contextParts }, { ...view, files });
    assert.deepEqual([snapshot.attachments, snapshot.pinnedFiles], [files.attachments, files.pinnedFiles]);
    assert.deepEqual(snapshot.contextParts, contextParts);
    assert(!("contextParts" in agent), "the summary has the summary's fields");
  });

  it("offers only starts that can be taken", async () => {
    const detail = await new FakeService().createAgent({ name: "Ada" });
    assert.deepEqual(chatSnapshot(detail, view).starts, ["editInstructions", "chooseModel"]);
    const selection = editorSelection({ label: "src/recover.ts:88-141", text: "a\nb\n" });
    const all = chatSnapshot(detail, { ...view, selection, hasOtherAgents: true });
    assert.deepEqual(all.starts, ["forkAnother", "editInstructions", "chooseModel"]);
    assert.deepEqual(all.selection, { label: "recover.ts:88–141", title: "src/recover.ts:88–141", lines: 2 });
    assert.equal(editorSelection({ label: "a.ts:7-7", text: "x" }).label, "a.ts:7");
  });

  it("has one way on in every state of the engine that cannot answer", () => {
    const error = { code: "ADDON_MISSING", what: "w", advice: "a", facts: {} } as const;
    const stuck: readonly EngineState[] = [
      { type: "noModel" },
      { type: "addonMissing", error },
      { type: "failed", error },
    ];
    for (const state of stuck) assert.ok(pageEngine(state).actions.length > 0, state.type);
  });
});

describe("the update of a branch", () => {
  const ids = ["a", "b", "c", "d"];
  /** An agent with the turns up to `head`, of which only the newest were asked for. */
  async function agent(head: string, numBranches = 0, state: TurnView["state"] = "done") {
    const service = new FakeService();
    const { id } = await service.createAgent({ name: "Ada" });
    const turns = ids.slice(0, ids.indexOf(head) + 1).map((name) => turn(name, name === head ? { state } : {}));
    const other = { turn: "x", current: false, isEnd: true, user: "", answer: "", turns: 1, tokens: 1, createdAt: 0 };
    service.change(id, { turns, branches: Array.from({ length: numBranches }, () => other) });
    return service.getAgent(id, newestTurns);
  }
  const shownOf = async (...args: Parameters<typeof agent>) => shownBranch(await agent(...args));

  it("is one turn when the last one changed or one was added", async () => {
    assert.equal(newTurn(await shownOf("c"), await agent("c"))?.id, "c");
    assert.equal(newTurn(await shownOf("c"), await agent("d"))?.id, "d");
    assert.equal(newTurn(await shownOf(""), await agent("a"))?.id, "a");
  });

  it("is the whole branch when the head moved elsewhere", async () => {
    assert.equal(newTurn(await shownOf("d"), await agent("c")), undefined);
    assert.equal(newTurn(await shownOf("b"), await agent("d")), undefined);
    assert.equal(newTurn(await shownOf("a"), await agent("")), undefined);
    assert.equal(newTurn(await shownOf("c"), await agent("d", 1)), undefined);
    const elsewhere = { ...(await shownOf("c")), head: "x" };
    assert.equal(newTurn(elsewhere, await agent("c")), undefined);
    assert.equal(newTurn(elsewhere, await agent("d")), undefined);
  });

  it("is none as long as the last turn looks the same and the branches are the same", async () => {
    assert.equal(isShown(await shownOf("c"), await shownOf("c")), true);
    assert.equal(isShown(await shownOf("c", 0, "running"), await shownOf("c")), false);
    assert.equal(isShown(await shownOf("c"), await shownOf("d")), false);
    assert.equal(isShown(await shownOf("c"), await shownOf("c", 1)), false);
  });

  it("is one turn when a further step of the same turn was added, or it changed", async () => {
    const service = new FakeService();
    const { id } = await service.createAgent({ name: "Ada" });
    const called = turn("a", { calls: [{ id: "c1", name: "look", arguments: {} }], finishReason: "calls" });
    service.change(id, { turns: [called] });
    const before = shownBranch(await service.getAgent(id, newestTurns));
    const running = await service.sendResults(id, { results: [{ call: "c1", text: "a tree" }] });
    const during = await service.getAgent(id, newestTurns);
    assert.deepEqual(newTurn(before, during)?.results, [{ call: "c1", text: "a tree" }]);
    assert.equal(isShown(before, shownBranch(during)), false);
    running.abort();
    const after = await service.getAgent(id, newestTurns);
    assert.equal(newTurn(shownBranch(during), after)?.state, "done");
    // Back to the middle of the turn: it has as many turns as before.
    service.change(id, { turns: [called] });
    assert.equal(newTurn(shownBranch(after), await service.getAgent(id, newestTurns)), undefined);
  });

  it("carries the running answer only for the turn that runs", async () => {
    const service = new FakeService();
    const { id } = await service.createAgent({ name: "Ada" });
    const detail = service.change(id, { turns: [turn("a"), turn("b", { state: "running", answer: "" })] });
    const { turns } = chatBranch(detail, { language: "en", run: { text: "now" } });
    assert.deepEqual(
      turns.map(({ answer }) => answer),
      ["answer", "now"],
    );
  });
});
