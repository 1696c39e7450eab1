import assert from "node:assert/strict";
import { createFormats } from "../../../src/common/format";
import { modelLabel } from "../../../src/common/modelLabel";
import { shownName } from "../../../src/common/shownName";
import { agentDescription, agentItem } from "../../../src/extension/agents/agentItem";
import { delegatesOf, ownAgents } from "../../../src/extension/agents/ownAgents";
import { RowClicks } from "../../../src/extension/agents/rowClicks";
import { toggledRow } from "../../../src/extension/agents/toggledRow";
import type { AgentSummary } from "../../../src/protocol/service";
import { agent, onServer } from "../../support/webview/samples/agents";

describe("a row of the Agents view", () => {
  it("is the focused one when its selection was toggled, on or off", () => {
    assert.equal(toggledRow([], ["b"]), "b");
    assert.equal(toggledRow(["a"], ["a", "b"]), "b");
    assert.equal(toggledRow(["b"], []), "b");
    assert.equal(toggledRow(["a", "b"], ["a"]), "b");
    assert.equal(toggledRow(["a"], ["a"]), undefined);
  });

  it("is double-clicked when it is clicked twice within half a second", () => {
    let now = 0;
    const clicks = new RowClicks(() => now);
    const clickAt = (atMs: number, id: string) => {
      now = atMs;
      return clicks.isSecond(id);
    };
    assert.deepEqual(
      [clickAt(0, "a"), clickAt(200, "a"), clickAt(300, "a"), clickAt(900, "a"), clickAt(950, "b"), clickAt(1400, "b")],
      [false, true, false, false, false, true],
    );
  });
});

describe("an agent in a list", () => {
  const formats = createFormats("en");

  it("says what it does, and that it waits for the results of its calls while it does nothing", () => {
    const words = (change: Partial<AgentSummary>) => agentDescription(agent(0, "Ada", change), formats);
    assert.equal(words({}), "3,425 tokens · hot");
    assert.equal(words({ state: "answering" }), "3,425 tokens · hot · answering");
    assert.equal(words({ waitsFor: 1 }), "3,425 tokens · hot · waits for a result");
    assert.equal(words({ waitsFor: 2, pinned: true }), "3,425 tokens · hot · waits for 2 results · pinned");
    assert.equal(words({ waitsFor: 2, state: "reading" }), "3,425 tokens · hot · reading");
  });

  it("says on which host it is answered, and how many turns it has: its tokens are counted there", () => {
    const row = (change: Partial<AgentSummary> = {}) => agentItem(agent(0, "Ada", { ...onServer, ...change }), formats);
    const { description, icon, spoken } = row();
    assert.equal(description, "4 turns · on studio.local:8000");
    assert.deepEqual([icon, spoken], ["server", "Ada, 4 turns · on studio.local:8000"]);
    assert.equal(row({ turnCount: 1, state: "waiting" }).description, "1 turn · on studio.local:8000 · waiting");
    assert.match(row().tooltip, /Context: room for 32,768 tokens\n\nTurns: 4$/);
    assert.doesNotMatch(row({ contextTokens: 0 }).tooltip, /tokens/);
    assert.match(agentItem(agent(0, "Ada"), formats).tooltip, /Context: 3,425 of 32,768 tokens \(10.5%\)/);
  });

  it("says when it waits for the person, and that it is a delegate", () => {
    const { icon, spoken } = agentItem(agent(0, "Ada", { waitsFor: 1 }), formats, { asks: true });
    assert.deepEqual([icon, spoken], ["bell-dot", "Ada, 3,425 tokens · hot · waits for you"]);
    const delegate = agentItem(agent(1, "Find it", { delegateOf: "a" }), formats);
    assert.equal(delegate.description, "delegate · 3,425 tokens · hot");
  });

  it("is one's own, or the delegate of one", () => {
    const agents = [agent(0, "Ada"), agent(1, "Find it", { delegateOf: "ada" }), agent(2, "Bob")];
    const names = (some: readonly AgentSummary[]) => some.map(({ name }) => name);
    assert.deepEqual(names(ownAgents(agents)), ["Ada", "Bob"]);
    assert.deepEqual(names(delegatesOf("ada", agents)), ["Find it"]);
  });
});

describe("the name of an agent's model", () => {
  it("is that of its folder, or of the server's model with the host, and nothing else of its address", () => {
    const label = (address?: string) =>
      modelLabel({ modelName: "tiny", ...(address === undefined ? {} : { server: { address, model: "large" } }) });
    assert.equal(label(), "tiny");
    assert.equal(label("http://127.0.0.1:8080/v1"), "large on 127.0.0.1:8080");
    assert.equal(label("https://user:secret@studio.local/v1?key=x"), "large on studio.local");
    assert.equal(label("studio"), "large on studio");
  });
});

describe("a name in a list", () => {
  it("is shown as it is where it turns nothing around", () => {
    for (const name of ["Ada", "Agent 1", "Привет", "名前", "🦊"]) assert.equal(shownName(name), name);
  });

  it("is isolated where it is written from right to left, and has no control of direction", () => {
    assert.equal(shownName("שלום"), "\u2068שלום\u2069");
    assert.equal(shownName("مرحبا 1"), "\u2068مرحبا 1\u2069");
    assert.equal(shownName("a\u202egnirts\u202c"), "agnirts");
    assert.equal(shownName("\u2069\u202eא"), "\u2068א\u2069");
  });
});
