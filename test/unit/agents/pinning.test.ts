import assert from "node:assert/strict";
import { AgentRig } from "../../support/agents/agentRig";
import { inFolder } from "../../support/store/fakes";

const tierOf = async (rig: AgentRig, id: string) => (await rig.agents.get(id)).tier;

describe("pinning", function () {
  this.timeout(20_000);

  it("keeps an agent in memory while others leave to make room", () =>
    inFolder(async (home) => {
      const roomy = new AgentRig(home);
      const one = await roomy.create("alone", "pinned one");
      await roomy.ask(one, "Tell me of the harbour");
      const held = roomy.session.engine.pool.referencedBlocks;
      await roomy.agents.close();
      // Two fit, a third does not.
      const rig = new AgentRig(home, { totalBlocks: Math.ceil(2.6 * held) });
      const ids: string[] = [];
      for (const name of ["pinned", "other"]) {
        const id = await rig.create(name, `${name} one`);
        await rig.ask(id, "Tell me of the harbour");
        ids.push(id);
      }
      const [pinned = "", other = ""] = ids;
      assert.equal((await rig.agents.pin(pinned, true)).pinned, true);
      await rig.ask(await rig.create("third", "a third"), "Tell me of the harbour");
      assert.equal(await tierOf(rig, pinned), "hot", "the oldest, and pinned");
      assert.equal(await tierOf(rig, other), "warm");
      assert.equal((await rig.agents.pin(pinned, false)).pinned, false);
      await rig.ask(other, "And again?");
      assert.equal(await tierOf(rig, pinned), "warm", "the oldest, and no longer pinned");
      await rig.agents.close();
    }));

  it("brings the agent into memory, and is remembered by the next process", () =>
    inFolder(async (home) => {
      const before = new AgentRig(home);
      const id = await before.create();
      await before.ask(id, "Tell me of the harbour");
      await before.agents.close();
      const rig = new AgentRig(home);
      assert.equal(await tierOf(rig, id), "warm");
      assert.deepEqual([(await rig.agents.pin(id, true)).pinned, await tierOf(rig, id)], [true, "hot"]);
      await rig.agents.close();
      const after = new AgentRig(home);
      assert.equal((await after.agents.list())[0]?.pinned, true);
      await after.agents.close();
    }));

  it("gives way when nobody else has anything to give", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home, { totalBlocks: 20 });
      const id = await rig.create("pinned");
      await rig.ask(id, "Tell me of the harbour");
      await rig.agents.pin(id, true);
      const { finishReason } = await rig.ask(await rig.create("other"), "Tell me of the harbour and its three parts");
      assert.notEqual(finishReason, "aborted");
      await rig.agents.close();
    }));
});
