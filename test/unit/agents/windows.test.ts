import assert from "node:assert/strict";
import { readdir, rm } from "node:fs/promises";
import path from "node:path";
import { AgentRig } from "../../support/agents/agentRig";
import { inFolder } from "../../support/store/fakes";

const options = { window: { tokens: 12, totalBlocks: 150 } };
const first = "Tell me of the harbour and its three parts, and of every ship that lies in it today";
const second = "And the crane?";
const third = "Who works there at night?";

/** An agent with two turns whose process is gone, and the id of its first turn. */
async function twoTurns(home: string): Promise<{ id: string; turn: string }> {
  const rig = new AgentRig(home, options);
  const id = await rig.create();
  await rig.ask(id, first);
  const turn = (await rig.lastTurn(id)).id;
  await rig.ask(id, second);
  await rig.agents.close();
  return { id, turn };
}

async function windowFiles(home: string): Promise<readonly string[]> {
  const names = await readdir(home, { recursive: true });
  return names.filter((name) => name.endsWith(".window.safetensors")).map((name) => path.join(home, name));
}

describe("agents of a model with windows", function () {
  this.timeout(20_000);

  it("go on after a restart with everything reused", () =>
    inFolder(async (home) => {
      const { id } = await twoTurns(home);
      const rig = new AgentRig(home, options);
      const { figures } = await rig.ask(id, third);
      assert.equal(figures.cache.tier, "warm");
      assert.equal(figures.cache.refused, undefined);
      assert.ok(figures.prefilledTokens < third.length + 40, `${figures.prefilledTokens} tokens were read`);
    }));

  it("rewind and fork to where the window is on disk only: what left it was written before it was freed", () =>
    inFolder(async (home) => {
      const { id, turn } = await twoTurns(home);
      for (const forked of [false, true]) {
        const rig = new AgentRig(home, options);
        const agent = forked ? (await rig.agents.fork(id, "fork", turn)).id : id;
        if (!forked) await rig.agents.rewind(id, turn);
        const { figures } = await rig.ask(agent, third);
        assert.equal(figures.cache.tier, "warm");
        assert.ok(figures.reusedTokens > 60, `${figures.reusedTokens} of ${figures.promptTokens} tokens were reused`);
        await rig.agents.close();
      }
    }));

  it("read the turn again, and say so, where the window is gone from the disk", () =>
    inFolder(async (home) => {
      const { id } = await twoTurns(home);
      const files = await windowFiles(home);
      assert.ok(files.length > 10);
      for (const file of files) await rm(file);
      const { figures } = await new AgentRig(home, options).ask(id, third);
      assert.equal(figures.cache.tier, "cold");
      assert.equal(figures.reusedTokens, 0);
      assert.equal(figures.cache.refused?.code, "missing");
      assert.match(figures.cache.refused?.reason ?? "", /window/);
    }));

  it("take their files with them when they are deleted", () =>
    inFolder(async (home) => {
      const { id } = await twoTurns(home);
      const rig = new AgentRig(home, options);
      await rig.agents.delete(id);
      assert.deepEqual(await windowFiles(home), []);
    }));
});
