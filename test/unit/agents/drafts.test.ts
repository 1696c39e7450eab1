import assert from "node:assert/strict";
import { AgentRig } from "../../support/agents/agentRig";
import { inFolder } from "../../support/store/fakes";

describe("the size of a draft", function () {
  this.timeout(20_000);

  it("is that of the message alone and of the prompt that would be read", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home, { contextTokens: 300 });
      const id = await rig.create("Ada", "Be brief");
      for (const text of ["A first message", "The second"]) {
        const size = await rig.agents.measureDraft(id, text);
        const { figures } = await rig.ask(id, text);
        assert.deepEqual(size, {
          draftTokens: text.length,
          promptTokens: figures.promptTokens,
          contextTokens: 300,
        });
      }
    }));

  it("of nothing is that of the history and the template", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      const empty = await rig.agents.measureDraft(id, "");
      const some = await rig.agents.measureDraft(id, "Some");
      assert.equal(empty?.draftTokens, 0);
      assert.equal(some?.promptTokens, (empty?.promptTokens ?? 0) + 4);
    }));

  it("in the place of a turn is that of the prompt behind what is before it", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      for (const text of ["One", "Two", "Three"]) await rig.ask(id, text);
      const size = await rig.agents.measureDraft(id, "Other", "t2");
      const { figures } = await rig.over(id, await rig.agents.send(id, { text: "Other", instead: "t2" }));
      assert.equal(size?.promptTokens, figures.promptTokens);
      await assert.rejects(rig.agents.measureDraft(id, "Other", "t9"), { code: "INVALID_REQUEST" });
    }));

  it("is not known while the model is not loaded, and loads nothing", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      rig.isLoaded = false;
      // A load that is under way does not end.
      rig.loading = new Promise(() => {});
      assert.equal(await rig.agents.measureDraft(id, "Hello"), undefined);
      assert.equal(rig.heldLeases, 0);
    }));

  it("neither waits for a read-ahead nor ends it", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      await rig.ask(id, "Hello");
      const draft = "A draft that is read ahead while it is measured";
      let measured: Promise<unknown> | undefined;
      let isOver = false;
      rig.runner.beforeStep = () => {
        measured ??= rig.agents.measureDraft(id, draft).then(() => {
          isOver = true;
        });
      };
      const { hotTokens } = await rig.agents.warm(id, draft);
      assert.ok(measured);
      await measured;
      assert.ok(isOver);
      const size = await rig.agents.measureDraft(id, draft);
      const closing = "\n<assistant>".length;
      assert.equal(hotTokens, (size?.promptTokens ?? 0) - closing);
    }));
});

describe("a long conversation", function () {
  this.timeout(20_000);

  it("tells of its newest turns without its branches, but how many there are", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      for (const text of ["One", "Two", "Three"]) await rig.ask(id, text);
      const single = await rig.agents.get(id, 1);
      assert.deepEqual([single.turns.length, single.branches, single.branchCount], [1, [], 0]);
      await rig.over(id, await rig.agents.regenerate(id));
      const { branches, branchCount } = await rig.agents.get(id);
      const newest = await rig.agents.get(id, 1);
      assert.deepEqual([branches.length, branchCount], [3, 3]);
      assert.deepEqual([newest.turns.length, newest.branches, newest.branchCount], [1, [], 3]);
      await rig.agents.rewind(id, "t1");
      assert.equal((await rig.agents.get(id, 1)).branchCount, (await rig.agents.get(id)).branches.length);
    }));
});
