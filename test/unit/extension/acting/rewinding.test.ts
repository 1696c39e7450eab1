import assert from "node:assert/strict";
import { rewindTo } from "../../../../src/extension/acting/rewinding";
import { TurnFacts } from "../../../../src/extension/acting/turnFacts";
import { digest } from "../../../support/acting/fakeWorkspace";
import { MemoryCheckpoints } from "../../../support/acting/kept";
import { FakeService, figures } from "../../../support/extension/fakeService";

describe("going back in a conversation of an agent that acts", () => {
  let service: FakeService;
  let agent: string;
  let order: string[];
  beforeEach(async () => {
    service = new FakeService();
    ({ id: agent } = await service.createAgent({ name: "Ada" }));
    for (const text of ["one", "two", "three"]) {
      await service.send(agent, { text });
      service.answerOf(agent).answer("yes");
    }
    order = [];
  });

  const turn = async (index: number) => (await service.getAgent(agent)).turns[index]?.id;

  const rewind = (to: string | undefined, written = true) =>
    rewindTo(service, agent, to, {
      settle: async () => void order.push("settle"),
      hasWritten: async () => written,
      offer: (_agent, left) => order.push(`offer ${left.length}`),
    });

  it("ends what its calls do first, and offers the files of the turns that are left", async () => {
    assert.equal((await rewind(await turn(0))).turnCount, 1);
    assert.deepEqual(order, ["settle", "offer 2"]);
    order = [];
    assert.equal((await rewind(undefined)).turnCount, 0);
    assert.deepEqual(order, ["settle", "offer 1"]);
  });

  it("offers nothing where nothing was written, or no turn is left", async () => {
    await rewind(await turn(2));
    await rewind(await turn(1), false);
    assert.deepEqual(order, ["settle", "settle"]);
  });
});

describe("what is known of the turns of an agent that acts", () => {
  const turn = { id: "t1", calls: ["c1", "c2"].map((id) => ({ id, name: "look", arguments: {} })) };

  it("has how long calls took, and who worked on them, once they have ended", () => {
    const facts = new TurnFacts(new MemoryCheckpoints());
    facts.note("agent", [
      { call: "c1", kind: "read", state: "done", ms: 12 },
      { call: "c2", kind: "delegate", state: "running", delegate: "d" },
    ]);
    assert.deepEqual(facts.of("agent")(turn), { ran: [{ call: "c1", ms: 12 }] });
    facts.note("agent", [{ call: "c2", kind: "delegate", state: "failed", delegate: "d" }]);
    assert.deepEqual(facts.of("agent")(turn).ran?.[1], { call: "c2", delegate: "d" });
    assert.deepEqual(facts.of("other")(turn), {});
  });

  it("has the tokens of a call's result where one call was gone on with, and they were counted here", () => {
    const facts = new TurnFacts(new MemoryCheckpoints()).of("agent");
    const one = { id: "t1", calls: [{ id: "c1", name: "look", arguments: {} }] };
    const next = { user: "", results: [], figures: { ...figures, prefilledTokens: 41 } };
    assert.deepEqual(facts(one, next).ran, [{ call: "c1", tokens: 41 }]);
    const refused = { tier: "warm" as const, refused: { code: "x", reason: "y", atToken: 0 } };
    for (const other of [
      undefined,
      { ...next, user: "No." },
      { ...next, figures: { ...figures, by: "server" as const } },
      { ...next, figures: { ...figures, cache: refused } },
    ]) {
      assert.deepEqual(facts(one, other), {});
    }
    const two = { ...one, calls: [...one.calls, { id: "c2", name: "look", arguments: {} }] };
    assert.deepEqual(facts(two, next), {});
  });

  it("has what the last calls of each agent took, and nothing of an agent that is gone", () => {
    const facts = new TurnFacts(new MemoryCheckpoints());
    const ran = (agent: string, id: string) =>
      facts.of(agent)({ id: "t1", calls: [{ id, name: "look", arguments: {} }] }).ran;
    for (let at = 0; at <= 500; at += 1) {
      facts.note("agent", [{ call: `c${at}`, kind: "read", state: "done", ms: at }]);
    }
    facts.note("other", [{ call: "c0", kind: "read", state: "done", ms: 7 }]);
    assert.deepEqual(
      [ran("agent", "c0"), ran("agent", "c1"), ran("agent", "c500"), ran("other", "c0")],
      [undefined, [{ call: "c1", ms: 1 }], [{ call: "c500", ms: 500 }], [{ call: "c0", ms: 7 }]],
    );
    facts.forget("agent");
    assert.deepEqual([ran("agent", "c500"), ran("other", "c0")], [undefined, [{ call: "c0", ms: 7 }]]);
  });

  it("has the files that they changed, each once, also those of earlier windows", async () => {
    const checkpoints = new MemoryCheckpoints();
    const facts = new TurnFacts(checkpoints);
    const write = (path: string, before: string, after: string, id = "t1") =>
      checkpoints.add(
        "agent",
        { turn: id, call: "c", folder: "/w", path, before: digest(before), after: digest(after) },
        { [digest(before)]: before, [digest(after)]: after },
      );
    await write("a", "1\n", "2\n3\n");
    await facts.load("agent");
    await write("a", "2\n3\n", "2\n");
    await write("b", "", "x\n");
    await write("b", "x\n", "y\n", "t2");
    await facts.load("agent");
    await facts.load("agent");
    assert.deepEqual(facts.of("agent")(turn).changes, [
      { path: "a", added: 2, removed: 2 },
      { path: "b", added: 1, removed: 0 },
    ]);
    assert.deepEqual(facts.of("agent")({ id: "t2" }).changes, [{ path: "b", added: 1, removed: 1 }]);
    facts.forget("agent");
    assert.deepEqual(facts.of("agent")(turn), {});
  });
});
