import assert from "node:assert/strict";
import { dayOf } from "../../../src/text/strftime";
import { AgentRig } from "../../support/agents/agentRig";
import { inFolder } from "../../support/store/fakes";

describe("An agent's prompts", () => {
  it("name the day of its creation for ever, so that midnight costs no cache; a fork has the same day", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      const { day, createdAt } = await rig.agents.get(id);
      assert.equal(day, dayOf(new Date(createdAt)));
      await rig.ask(id, "Hello");
      rig.passDay();
      await rig.ask(id, "Good morning");
      assert.equal(rig.lastDialogue?.day, day);
      const fork = await rig.agents.fork(id, "Fork");
      assert.equal(fork.day, day);
      assert.notEqual(dayOf(new Date(fork.createdAt)), day);
      await rig.ask(fork.id, "Hello again");
      assert.equal(rig.lastDialogue?.day, day);
      await rig.agents.close();
      const later = new AgentRig(home);
      assert.equal((await later.agents.get(id)).day, day);
      assert.equal((await later.agents.get(fork.id)).day, day);
      await later.agents.close();
    }));

  it("say how it thinks, from creation or from a change on; its forks think the same way", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const { id, thinking } = await rig.agents.create({ name: "Ada", thinking: "off" });
      assert.equal(thinking, "off");
      await rig.ask(id, "Hello");
      assert.equal(rig.lastDialogue?.thinking, "off");
      assert.equal((await rig.agents.setThinking(id, "on")).thinking, "on");
      await rig.ask(id, "Hello");
      assert.equal(rig.lastDialogue?.thinking, "on");
      const fork = await rig.agents.fork(id, "Fork");
      assert.equal(fork.thinking, "on");
      assert.equal((await rig.agents.setThinking(id, undefined)).thinking, undefined);
      await rig.ask(id, "Hello");
      assert.equal(rig.lastDialogue?.thinking, undefined);
      await rig.agents.close();
      const later = new AgentRig(home);
      assert.equal((await later.agents.get(id)).thinking, undefined);
      assert.equal((await later.agents.get(fork.id)).thinking, "on");
      await later.agents.close();
    }));

  it("think in known ways only", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      const thinking: string = "hard";
      // As a program in JavaScript may call it.
      await assert.rejects(Reflect.apply(rig.agents.setThinking, rig.agents, [id, thinking]), /INVALID_REQUEST.*hard/);
      assert.equal((await rig.agents.get(id)).thinking, undefined);
      await rig.agents.close();
    }));
});
