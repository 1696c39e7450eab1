import assert from "node:assert/strict";
import { Emitter } from "../../../../src/common/events";
import { ActingAgents, type ActingAgentsPorts } from "../../../../src/extension/acting/actingAgents";
import type { ActingState } from "../../../../src/protocol/acting";
import type { AgentId } from "../../../../src/protocol/service";
import { FakeService } from "../../../support/extension/fakeService";

const idle: ActingState = { calls: [] };
const running: ActingState = { calls: [{ call: "c", kind: "run", state: "running" }] };
const waiting: ActingState = { calls: [{ call: "c", kind: "run", state: "waiting" }] };

describe("the agents of a window that act", () => {
  let service: FakeService;
  let agents: ActingAgents;
  let followed: string[];
  let errors: unknown[];
  const states = new Map<AgentId, ActingState>();
  const changes = new Emitter<{ readonly agent: AgentId; readonly state: ActingState }>();

  beforeEach(() => {
    service = new FakeService();
    followed = [];
    errors = [];
    states.clear();
    const say = (what: string) => async (agent: AgentId) => {
      followed.push(`${what} ${agent}`);
      return "answered" as const;
    };
    const acting: ActingAgentsPorts["acting"] = {
      onState: changes.event,
      state: (agent) => states.get(agent) ?? idle,
      follow: say("follow"),
      goOn: say("goOn"),
      askAgain: async (agent, { call }) => {
        followed.push(`ask ${agent}`);
        if (call !== "c") return false;
        states.set(agent, waiting);
        changes.fire({ agent, state: waiting });
        return true;
      },
      stop: async (agent) => void followed.push(`stop ${agent}`),
      forget: (agent) => void followed.push(`forget ${agent}`),
    };
    agents = new ActingAgents({
      service: { get: async () => service, onEvent: service.onEvent, onRestart: () => ({ dispose: () => {} }) },
      ...{ acting, hasTool: (name) => name === "fetch", onError: (error) => errors.push(error) },
    });
  });
  afterEach(() => agents.dispose());

  async function agentWith(...tools: readonly string[]): Promise<AgentId> {
    const { id } = await service.createAgent({ name: "Ada" });
    await service.setAgentTools(
      id,
      tools.map((name) => ({ name, description: "" })),
    );
    return id;
  }

  const tick = () => new Promise((resolve) => setTimeout(resolve, 5));

  it("are followed when they answer with tools that are here, and no others", async () => {
    const [reads, fetches, plain, foreign] = [
      await agentWith("read_file"),
      await agentWith("fetch"),
      await agentWith(),
      await agentWith("tool_of_a_program"),
    ];
    for (const id of [reads, fetches, plain, foreign]) await service.send(id, { text: "Go." });
    assert.deepEqual(followed, [`follow ${reads}`, `follow ${fetches}`]);
  });

  it("are waited for to the end of a turn, with why it ended, where they act here", async () => {
    const [reads, plain, held] = [await agentWith("read_file"), await agentWith(), await agentWith("run")];
    states.set(reads, { calls: [], stopped: "It made 40 steps." });
    agents.hold(held);
    followed.length = 0;
    assert.equal(await agents.endOfTurn(reads), "It made 40 steps.");
    assert.equal(await agents.endOfTurn(plain), undefined);
    assert.equal(await agents.endOfTurn(held), undefined);
    assert.deepEqual(followed, [`follow ${reads}`]);
    states.clear();
    const elsewhere = new FakeService();
    const { id } = await elsewhere.createAgent({ name: "Bea" });
    service.getAgent = (agent, newest) => elsewhere.getAgent(agent, newest);
    assert.equal(await agents.endOfTurn(id), undefined);
    await assert.rejects(agents.endOfTurn("nobody"));
  });

  it("are looked up where nothing was heard of them yet", async () => {
    const before = new FakeService();
    const { id } = await before.createAgent({ name: "Ada" });
    await before.setAgentTools(id, [{ name: "search", description: "" }]);
    service.getAgent = (agent, newest) => before.getAgent(agent, newest);
    service.fire({ type: "turnStarted", id, turn: "t" });
    service.fire({ type: "turnStarted", id: "nobody", turn: "t" });
    await tick();
    assert.deepEqual([followed, errors.length], [[`follow ${id}`], 1]);
  });

  it("are not followed while they are somebody else's", async () => {
    const delegate = await agentWith("read_file");
    service.change(delegate, { delegateOf: "other" });
    const several = await agentWith("read_file");
    const held = agents.hold(several);
    for (const id of [delegate, several]) await service.send(id, { text: "Go." });
    assert.deepEqual(followed, [`forget ${several}`]);
    held.dispose();
    await service.send(several, { text: "Go." });
    assert.deepEqual(followed.slice(1), [`follow ${several}`]);
  });

  it("say why they wait when nothing works on their calls, and go on from there", async () => {
    const id = await agentWith("run");
    assert.deepEqual(agents.stateOf(id), idle);
    service.change(id, { waitsFor: 1 });
    assert.match(agents.stateOf(id).stopped ?? "", /interrupted/);
    await agents.goOn(id);
    states.set(id, running);
    assert.deepEqual(agents.stateOf(id), running);
    states.set(id, { calls: [], stopped: "A limit." });
    assert.equal(agents.stateOf(id).stopped, "A limit.");
    await agents.goOn(id);
    assert.deepEqual(followed, [`follow ${id}`, `goOn ${id}`]);
    states.delete(id);
    service.change(id, { state: "answering" });
    assert.deepEqual(agents.stateOf(id), idle);
    assert.deepEqual(agents.stateOf("nobody"), idle);
  });

  it("stop with their answer, and end their calls before the conversation goes on without them", async () => {
    const id = await agentWith();
    await service.send(id, { text: "Go." });
    const answer = service.answerOf(id);
    await agents.stop(id);
    assert.ok(answer.aborted);
    await agents.settle(id);
    states.set(id, running);
    await agents.settle(id);
    states.set(id, { calls: [], stopped: "A limit." });
    await agents.settle(id);
    assert.deepEqual(followed, [`stop ${id}`, `stop ${id}`, `forget ${id}`]);
  });

  it("keep their lock while their calls are worked on, and tell of every change", async () => {
    const id = await agentWith("run");
    const told: AgentId[] = [];
    agents.onChange((agent) => told.push(agent));
    for (const state of [running, running, idle, idle, running]) {
      changes.fire({ agent: id, state });
      await tick();
    }
    assert.deepEqual(
      service.shown.map(({ shown }) => shown),
      [true, false, true],
    );
    assert.equal(told.length, 5);
    assert.equal(agents.nameOf(id), "Ada");
    agents.dispose();
    await tick();
    assert.equal(service.shown.at(-1)?.shown, false);
  });

  it("ask again what waited, as soon as they are this window's, and keep their lock then", async () => {
    const id = await agentWith("run");
    service.change(id, { waitsFor: 1, lockedElsewhere: true });
    assert.equal(await agents.askAgain(id, { call: "c" }), "later");
    service.change(id, { lockedElsewhere: false });
    assert.equal(await agents.askAgain(id, { call: "gone" }), "gone");
    await tick();
    assert.deepEqual([followed, service.shown.at(-1)?.shown], [[`ask ${id}`], false]);
    assert.equal(await agents.askAgain(id, { call: "c" }), "asked");
    await tick();
    assert.deepEqual([followed.length, service.shown.at(-1)?.shown], [2, true]);
    assert.deepEqual(agents.stateOf(id), waiting);
    assert.equal(agents.nameOf(id), "Ada");
    assert.deepEqual(errors, []);
  });

  it("do not ask again what is somebody else's, or a tool's that is not there yet", async () => {
    const [program, several] = [await agentWith("tool_of_a_program"), await agentWith("run")];
    agents.hold(several);
    const foreign = await agentWith("run");
    const turn = { id: "t", user: "Go.", answer: "", createdAt: 0, state: "done" } as const;
    const calls = [{ id: "c", name: "late", arguments: {} }];
    service.change(foreign, { turns: [{ ...turn, calls }] });
    followed.length = 0;
    assert.equal(await agents.askAgain(program, { call: "c" }), "later");
    assert.equal(await agents.askAgain(several, { call: "c" }), "gone");
    assert.equal(await agents.askAgain(foreign, { call: "c" }), "later");
    assert.equal(await agents.askAgain("nobody", { call: "c" }), "gone");
    service.saveAgent = () => Promise.reject(new Error("it ended"));
    await assert.rejects(agents.askAgain(foreign, { call: "c" }), /it ended/);
    assert.deepEqual(followed, []);
  });
});
