import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { attachmentLimits } from "../../../src/common/attachments";
import { AgentRig } from "../../support/agents/agentRig";
import { attached } from "../../support/agents/workspaceFiles";
import { inFolder } from "../../support/store/fakes";

const a = attached("src/a.ts", "let a = 1;", { kind: "selection", range: { from: 3, to: 3 } });
const b = attached("src/b.ts", "let b = 2;");
/** What the fake template puts behind a message, a token a letter. */
const closing = "\n<assistant>".length;
const roomy = { contextTokens: 2048, totalBlocks: 2048 };

const viewOf = ({ text, ...rest }: typeof a) => ({ ...rest, length: text.length });
const promptOf = (rig: AgentRig) => String.fromCharCode(...rig.lastPrompt);

describe("a message with attachments", function () {
  this.timeout(20_000);

  it("is read with them before its text, shown without their texts, and is the same in the next process", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home, roomy);
      const id = await rig.create();
      const running = await rig.agents.send(id, { text: "What is wrong?", attachments: [a, b] });
      await rig.over(id, running);
      assert.equal(
        promptOf(rig),
        "<user>Selection from src/a.ts, line 3:\n```ts\nlet a = 1;\n```\n\n" +
          "File src/b.ts:\n```ts\nlet b = 2;\n```\n\nWhat is wrong?\n<assistant>",
      );
      const turn = await rig.lastTurn(id);
      assert.equal(turn.user, "What is wrong?");
      assert.deepEqual(turn.attachments, [viewOf(a), viewOf(b)]);
      assert.equal(await rig.agents.attachmentText(id, turn.id, 1), b.text);
      for (const [of, index] of [
        ["t1", 2],
        ["t1", -1],
        ["t9", 0],
      ] as const) {
        await assert.rejects(rig.agents.attachmentText(id, of, index), { code: "INVALID_REQUEST" });
      }
      await rig.agents.close();
      const later = new AgentRig(home, roomy);
      assert.deepEqual((await later.lastTurn(id)).attachments, [viewOf(a), viewOf(b)]);
      assert.equal(await later.agents.attachmentText(id, "t1", 0), a.text);
      const { figures } = await later.ask(id, "And now?");
      assert.equal(figures.prefilledTokens, figures.promptTokens - figures.reusedTokens);
      assert.ok(figures.prefilledTokens <= "\n<user>And now?".length + closing + 4);
      await later.agents.close();
    }));

  it("is read ahead as soon as they are attached: sending reads what is left", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home, roomy);
      const id = await rig.create();
      await rig.agents.warm(id, "", [a]);
      const one = await rig.agents.measureDraft(id, "", undefined, [a]);
      const warm = await rig.agents.warm(id, "", [a, b]);
      const both = await rig.agents.measureDraft(id, "", undefined, [a, b]);
      assert.equal(warm.hotTokens, (both?.promptTokens ?? 0) - closing);
      assert.equal(one?.attachmentTokens?.[0], both?.attachmentTokens?.[0]);
      assert.equal(
        both?.draftTokens,
        both?.attachmentTokens?.reduce((sum, tokens) => sum + tokens, 0),
      );
      const running = await rig.agents.send(id, { text: "Why?", attachments: [a, b] });
      const { figures } = await rig.over(id, running);
      assert.equal(figures.prefilledTokens, "\n\nWhy?".length + closing);
      assert.equal(figures.promptTokens, (both?.promptTokens ?? 0) + "\n\nWhy?".length);
    }));

  it("may have no text of its own, and is found among the branches by their paths", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home, roomy);
      const id = await rig.create();
      await rig.over(id, await rig.agents.send(id, { text: "", attachments: [a, b] }));
      assert.equal(promptOf(rig).endsWith("```\n<assistant>"), true);
      const turn = await rig.lastTurn(id);
      assert.deepEqual([turn.user, turn.attachments?.length, turn.state], ["", 2, "done"]);
      assert.equal((await rig.agents.get(id)).turnCount, 1);
      await rig.over(id, await rig.agents.send(id, { text: "Hello", instead: "t1", attachments: [] }));
      const { branches } = await rig.agents.get(id);
      assert.deepEqual(
        branches.map(({ user }) => user),
        ["src/a.ts, src/b.ts", "Hello"],
      );
    }));

  it("keeps them when it is answered again or written otherwise, unless others are given", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home, roomy);
      const id = await rig.create();
      await rig.over(id, await rig.agents.send(id, { text: "One", attachments: [a] }));
      const shown = async () => (await rig.lastTurn(id)).attachments;
      await rig.over(id, await rig.agents.regenerate(id));
      assert.deepEqual(await shown(), [viewOf(a)]);
      const size = await rig.agents.measureDraft(id, "Two", "t1");
      const { figures } = await rig.over(id, await rig.agents.send(id, { text: "Two", instead: "t1" }));
      assert.equal(size?.promptTokens, figures.promptTokens);
      assert.deepEqual(await shown(), [viewOf(a)]);
      // It has a text no more, but still its attachment.
      await rig.over(id, await rig.agents.send(id, { text: " ", instead: "t1" }));
      assert.deepEqual(await shown(), [viewOf(a)]);
      await rig.over(id, await rig.agents.send(id, { text: "Three", instead: "t1", attachments: [b] }));
      assert.deepEqual(await shown(), [viewOf(b)]);
      await rig.over(id, await rig.agents.send(id, { text: "Four", instead: "t1", attachments: [] }));
      assert.equal(await shown(), undefined);
      await assert.rejects(rig.agents.send(id, { text: " ", instead: "t1", attachments: [] }), {
        code: "INVALID_REQUEST",
      });
    }));

  it("tells of its change also where the agent is only on disk, for the branch before a turn too", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home, roomy);
      const id = await rig.create();
      const change = { ...a, kind: "change" } as const;
      await rig.ask(id, "One");
      await rig.over(id, await rig.agents.send(id, { text: "Two", attachments: [change] }));
      await rig.agents.close();
      const { agents } = new AgentRig(home, roomy);
      const told = [{ path: change.path, digest: change.digest }];
      assert.deepEqual(await agents.toldChanges(id), told);
      assert.deepEqual(await agents.toldChanges(id, "t2"), []);
    }));

  it("is in a copy or there is no copy: a disk that becomes full in the middle leaves nothing of it", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home, roomy);
      const id = await rig.create();
      await rig.over(id, await rig.agents.send(id, { text: "One", attachments: [a] }));
      const folders = async () => (await readdir(path.join(home, "agents"))).filter((name) => !name.startsWith("."));
      // The copy's folder is there: next come the texts.
      rig.disk.beforeWrite = async () => {
        rig.disk.full = (await folders()).length > 1;
      };
      await assert.rejects(rig.agents.copyWithModel(id, "Copy", "/models/fake"), { code: "DISK_FULL" });
      rig.disk.beforeWrite = async () => {};
      rig.disk.full = false;
      assert.deepEqual(await folders(), [id]);
      await rig.agents.copyWithModel(id, "Copy", "/models/fake");
    }));

  it("is in forks and copies with all of it, and behind a rewind", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home, roomy);
      const id = await rig.create();
      await rig.over(id, await rig.agents.send(id, { text: "One", attachments: [a] }));
      await rig.ask(id, "Two");
      const fork = await rig.agents.fork(id, "Fork", "t1");
      const copy = await rig.agents.copyWithModel(id, "Copy", "/models/fake");
      await rig.agents.startOver(id, 2);
      for (const of of [fork.id, copy.id, id]) {
        const { turns } = await rig.agents.get(of);
        assert.deepEqual(turns[0]?.attachments, [viewOf(a)]);
        assert.equal(await rig.agents.attachmentText(of, turns[0]?.id ?? "", 0), a.text);
        await rig.ask(of, "Three");
        assert.ok(promptOf(rig).startsWith("<user>Selection from src/a.ts, line 3:\n```ts\nlet a = 1;\n```\n\nOne\n"));
      }
      const { figures } = await rig.ask(fork.id, "Four");
      assert.ok(figures.reusedTokens > figures.prefilledTokens);
      await rig.agents.rewind(fork.id, "t1");
      assert.deepEqual((await rig.lastTurn(fork.id)).attachments, [viewOf(a)]);
    }));

  it("goes without the calls that wait, and is a turn of its own", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home, { ...roomy, callAfter: 2 });
      const { id } = await rig.agents.create({ name: "Ada", tools: [{ name: "look", description: "Looks." }] });
      await rig.ask(id, "Look");
      assert.equal((await rig.lastTurn(id)).finishReason, "calls");
      await rig.over(id, await rig.agents.send(id, { text: "", attachments: [a] }));
      const { turns, turnCount } = await rig.agents.get(id);
      assert.equal(turnCount, 2);
      assert.equal(turns[1]?.results?.[0]?.failed, true);
      assert.deepEqual(turns[1]?.attachments, [viewOf(a)]);
    }));
});

describe("attachments that cannot be", function () {
  this.timeout(20_000);

  const big = "x".repeat(10_000_000);
  const refused: readonly (readonly [string, readonly (typeof a)[], object])[] = [
    ["without a text", [attached("a.ts", "")], { path: "a.ts" }],
    [
      "of 10 MB",
      [a, attached("big.txt", big)],
      { length: big.length + a.text.length, most: attachmentLimits.attachedLength },
    ],
    ["that are too many", Array.from({ length: 101 }, () => a), { attachments: 101, most: 100 }],
    ["without a path", [attached(" ", "x")], {}],
    ["with a path of 5,000 characters", [attached("x".repeat(5000), "x")], { length: 5000, most: 4096 }],
    ["without a digest", [{ ...a, digest: "no" }], {}],
    ["of no known kind", [{ ...a, kind: "image" as "file" }], {}],
    ["with lines that are none", [{ ...a, range: { from: 3, to: 2 } }], {}],
    ["with line 0", [{ ...a, range: { from: 0, to: 2 } }], {}],
  ];

  for (const [what, attachments, facts] of refused) {
    it(`${what} are refused, and nothing is changed`, () =>
      inFolder(async (home) => {
        const rig = new AgentRig(home, roomy);
        const id = await rig.create();
        await rig.ask(id, "One");
        const wanted = (error: { code?: string; facts?: object }) => {
          assert.equal(error.code, "INVALID_REQUEST");
          assert.deepEqual({ ...error.facts, ...facts }, error.facts);
          return true;
        };
        await assert.rejects(rig.agents.send(id, { text: "Two", attachments }), wanted);
        await assert.rejects(rig.agents.warm(id, "Two", attachments), wanted);
        await assert.rejects(rig.agents.measureDraft(id, "Two", undefined, attachments), wanted);
        const { turns, state } = await rig.agents.get(id);
        assert.deepEqual([turns.length, state], [1, "idle"]);
        await rig.ask(id, "Two");
      }));
  }

  it("names both numbers where they are too long", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      const sending = rig.agents.send(id, { text: "", attachments: [attached("big.txt", big)] });
      await assert.rejects(sending, /2,000,000 .*10,000,000.*big\.txt/);
    }));

  it("and long ones that do not fit the context come back as any message", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      const running = await rig.agents.send(id, { text: "Why?", attachments: [attached("long.txt", "x".repeat(600))] });
      await assert.rejects(running.done, ({ code, facts }) => code === "CONTEXT_FULL" && facts.cause === "message");
      assert.equal((await rig.agents.get(id)).turnCount, 0);
    }));
});
