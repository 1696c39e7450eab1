import assert from "node:assert/strict";
import { type WaysPorts, WaysRun } from "../../../../src/extension/acting/waysRun";
import type { WaysState } from "../../../../src/protocol/chatActing";
import type { AgentId } from "../../../../src/protocol/service";
import { FakeService } from "../../../support/extension/fakeService";

describe("several answers to one message", () => {
  let service: FakeService;
  let agent: AgentId;
  let turn: string;
  let states: (WaysState | undefined)[];
  let texts: string[];
  beforeEach(async () => {
    service = new FakeService();
    ({ id: agent } = await service.createAgent({ name: "Ada" }));
    await service.send(agent, { text: "How?" });
    service.answerOf(agent).answer("Like this.");
    turn = (await service.getAgent(agent)).turns[0]?.id ?? "";
    states = [];
    texts = [];
  });

  const ports = (): WaysPorts => ({
    ...{ door: service, language: "en", onError: (error) => assert.fail(String(error)) },
    follow: async (id) => (await service.running(id))?.done.catch(() => {}),
    onState: (state) => states.push(state),
    onProgress: () => {},
    onText: (way, { text }) => texts.push(`${way} ${text}`),
  });
  const begin = (count = 3) => WaysRun.begin(agent, turn, count, ports());
  /** All have answered when the window is closed. */
  const left = async () => {
    const run = await begin();
    for (const { id } of [{ id: agent }, ...(await forks())]) service.answerOf(id).answer(`of ${id}`);
    await tick();
    run.dispose();
    return run.forks;
  };
  const tick = () => new Promise((resolve) => setTimeout(resolve, 80));
  const forks = async () => (await service.listAgents()).filter(({ id }) => id !== agent);

  it("are written at once, by the agent and by forks of it, and shown as they come", async () => {
    const run = await begin();
    const delegates = await forks();
    assert.deepEqual(
      delegates.map(({ name, delegateOf }) => [name, delegateOf]),
      [
        ["Ada, way 2", agent],
        ["Ada, way 3", agent],
      ],
    );
    assert.deepEqual(
      run.state.ways.map((way) => [way.agent, way.turn.user, way.turn.state]),
      [undefined, ...delegates.map(({ id }) => id)].map((id) => [id, "How?", "running"]),
    );
    assert.equal(run.state.isOpen, false);
    for (const [index, id] of [agent, ...delegates.map((one) => one.id)].entries())
      service.answerOf(id).answer(`${index}`);
    await tick();
    assert.deepEqual([...texts].sort(), ["0 0", "1 1", "2 2"]);
    assert.equal(states.at(-1)?.isOpen, true);
    assert.deepEqual(
      run.state.ways.map((way) => way.turn.answer),
      ["0", "1", "2"],
    );
    run.dispose();
  });

  it("become branches, the chosen one the conversation, and the forks go", async () => {
    const run = await begin();
    await assert.rejects(run.choose(1), { code: "INVALID_REQUEST" });
    for (const { id } of [{ id: agent }, ...(await forks())]) service.answerOf(id).answer(`of ${id}`);
    await tick();
    await assert.rejects(run.choose(7), { code: "INVALID_REQUEST" });
    const [, chosen] = run.state.ways;
    await run.choose(1);
    assert.deepEqual(await forks(), []);
    assert.equal((await service.getAgent(agent)).turns.at(-1)?.answer, `of ${chosen?.agent}`);
    assert.equal(states.at(-1), undefined);
  });

  it("leave the agent's own as it is when that is chosen", async () => {
    const run = await begin(2);
    for (const { id } of [{ id: agent }, ...(await forks())]) service.answerOf(id).answer(`of ${id}`);
    await tick();
    await run.choose(0);
    assert.equal((await service.getAgent(agent)).turns.at(-1)?.answer, `of ${agent}`);
  });

  it("can be stopped, and then be chosen from", async () => {
    const run = await begin(2);
    await run.stop();
    await tick();
    assert.equal(run.state.isOpen, true);
    run.dispose();
  });

  it("wait to be chosen from in the next window", async () => {
    const [deleted = "", other = ""] = await left();
    await service.deleteAgent(deleted);
    const run = await WaysRun.resume(agent, [deleted, other], ports());
    assert.equal(run?.state.isOpen, true);
    assert.deepEqual(
      run.state.ways.map((way) => way.turn.answer),
      [`of ${agent}`, `of ${other}`],
    );
    await run.choose(1);
    assert.deepEqual(await forks(), []);
    assert.equal((await service.getAgent(agent)).turns.at(-1)?.answer, `of ${other}`);
  });

  it("become branches in the next window where the conversation went on", async () => {
    const ways = await left();
    await service.send(agent, { text: "And then?" });
    service.answerOf(agent).answer("Then that.");
    const adopted: AgentId[] = [];
    const { adoptBranch } = service;
    service.adoptBranch = (id, from, options) => {
      assert.notEqual(options?.asHead, true);
      adopted.push(from);
      return adoptBranch.call(service, id, from, options);
    };
    assert.equal(await WaysRun.resume(agent, ways, ports()), undefined);
    assert.deepEqual(adopted, ways);
    assert.deepEqual(await forks(), []);
    assert.equal((await service.getAgent(agent)).turns.at(-1)?.answer, "Then that.");
    assert.equal(await WaysRun.resume(agent, ways, ports()), undefined);
  });

  it("leave no fork behind where they cannot be begun", async () => {
    const { regenerate } = service;
    service.regenerate = async (id, at) => {
      if (id !== agent) throw new Error("no room");
      return regenerate.call(service, id, at);
    };
    await assert.rejects(begin(), /no room/);
    assert.deepEqual(await forks(), []);
    turn = "gone";
    await assert.rejects(begin(), { code: "INVALID_REQUEST" });
  });
});
