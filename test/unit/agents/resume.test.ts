import assert from "node:assert/strict";
import { access, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { keysOfAgent } from "../../../src/store/references";
import { AgentRig, type Done } from "../../support/agents/agentRig";
import { inFolder } from "../../support/store/fakes";

const first = "Tell me of the harbour and its three parts";
const second = "And the crane?";

/** An agent that has answered once, its process gone; and what a process that never stopped would answer next. */
async function askedOnce(home: string): Promise<{ id: string; answered: Done; expected: Done }> {
  const uninterrupted = new AgentRig(path.join(home, "reference"));
  const reference = await uninterrupted.create();
  await uninterrupted.ask(reference, first);
  const expected = await uninterrupted.ask(reference, second);
  const rig = new AgentRig(home);
  const id = await rig.create();
  const answered = await rig.ask(id, first);
  await rig.agents.close();
  return { id, answered, expected };
}

/** Paths of all block objects, in no order. */
async function objects(home: string): Promise<readonly string[]> {
  const names = await readdir(path.join(home, "store"), { recursive: true });
  return names.filter((name) => name.endsWith(".safetensors")).map((name) => path.join(home, "store", name));
}

describe("resume", function () {
  this.timeout(20_000);

  it("reads the first prompt once: after a restart only what is new is prefilled", () =>
    inFolder(async (home) => {
      const { id, answered, expected } = await askedOnce(home);
      const { figures, tokenIds, text } = await new AgentRig(home).ask(id, second);
      // What the template puts before a message was read, and saved, behind the answer.
      const before = answered.figures.promptTokens + answered.tokenIds.length + "\n<user>".length;
      assert.equal(figures.reusedTokens, before);
      assert.equal(figures.prefilledTokens, figures.promptTokens - before);
      assert.equal(figures.cache.tier, "warm");
      assert.equal(figures.cache.refused, undefined);
      assert.deepEqual(tokenIds, expected.tokenIds);
      assert.equal(text, expected.text);
    }));

  it("is hot while the process lives", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      assert.equal((await rig.ask(id, first)).figures.cache.tier, "cold");
      const { figures } = await rig.ask(id, second);
      assert.equal(figures.cache.tier, "hot");
      assert.equal(rig.files.reads, 0);
      // The end of the answer before and the opening of this message were read behind it.
      assert.equal(figures.prefilledTokens, `${second}\n<assistant>`.length);
    }));

  it("reads nothing behind an answer that was stopped", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      const running = await rig.agents.send(id, { text: first });
      running.onEvent((event) => {
        if (event.type === "text") running.abort();
      });
      const { figures, tokenIds, finishReason } = await rig.over(id, running);
      assert.equal(finishReason, "aborted");
      const [summary] = await rig.agents.list();
      assert.ok((summary?.hotTokens ?? 0) <= figures.promptTokens + tokenIds.length);
    }));

  it("reads nothing behind an answer for an agent that leaves, whenever it is told to", () =>
    inFolder(async (home) => {
      for (let delay = 0; delay < 12; delay += 1) {
        const rig = new AgentRig(path.join(home, `${delay}`));
        const id = await rig.create();
        const running = await rig.agents.send(id, { text: first });
        await running.done;
        for (let i = 0; i < delay; i += 1) await new Promise(setImmediate);
        await rig.agents.close();
        await new Promise(setImmediate);
        assert.equal(rig.session.engine.hasWork, false);
        assert.equal(rig.session.engine.pool.referencedBlocks, 0);
        assert.equal(rig.heldLeases, 0);
      }
    }));

  it("computes nothing for what a read ahead has brought back", () =>
    inFolder(async (home) => {
      const { id, expected } = await askedOnce(home);
      const rig = new AgentRig(home);
      assert.equal((await rig.agents.list())[0]?.tier, "warm");
      const summary = await rig.agents.warm(id);
      assert.equal(summary.tier, "hot");
      const computed = rig.runner.computedTokens;
      assert.ok(computed <= 1);
      const { figures, tokenIds } = await rig.ask(id, second);
      assert.equal(figures.cache.tier, "warm");
      assert.equal(figures.restoreMs, 0);
      assert.deepEqual(tokenIds, expected.tokenIds);
    }));

  it("commits a message that comes while a read ahead waits for the model, and the model goes on loading", () =>
    inFolder(async (home) => {
      const { id, expected } = await askedOnce(home);
      const rig = new AgentRig(home);
      let loaded = () => {};
      rig.loading = new Promise((resolve) => {
        loaded = resolve;
      });
      const warming = rig.agents.warm(id);
      await new Promise((resolve) => setImmediate(resolve));
      const running = await rig.agents.send(id, { text: second });
      assert.equal((await rig.lastTurn(id)).user, second);
      assert.equal(rig.cancelledLeases, 0);
      loaded();
      await warming;
      const { tokenIds, figures } = await rig.over(id, running);
      assert.deepEqual(tokenIds, expected.tokenIds);
      assert.equal(figures.cache.tier, "warm");
    }));

  const damages: readonly (readonly [string, string, (text: string) => string])[] = [
    ["truncated", "truncated", (text) => text.slice(0, -4)],
    ["with other data", "checksum", (text) => text.replace(/"content":"\d/, '"content":"x')],
    ["of an older format", "format", (text) => text.replace("fake-1", "fake-0")],
  ];
  for (const [name, code, damage] of damages) {
    it(`refuses a block file ${name}, says why, reads that part again, and answers the same`, () =>
      inFolder(async (home) => {
        const { id, expected } = await askedOnce(home);
        for (const file of await objects(home)) {
          const text = await readFile(file, "utf8");
          if (text.includes('"start"')) continue;
          await writeFile(file, damage(text));
        }
        const rig = new AgentRig(home);
        const { figures, tokenIds } = await rig.ask(id, second);
        assert.equal(figures.cache.refused?.code, code);
        assert.equal(figures.cache.refused?.atToken, 0);
        assert.equal(figures.reusedTokens, 0);
        assert.equal(figures.cache.tier, "cold");
        assert.deepEqual(tokenIds, expected.tokenIds);
        await rig.agents.close();
        const again = await new AgentRig(home).ask(id, "Thanks");
        assert.equal(again.figures.cache.refused, undefined, "the next save has written it anew");
        assert.equal(again.figures.cache.tier, "warm");
      }));
  }

  it("uses what is before a missing block and says that it is missing", () =>
    inFolder(async (home) => {
      const { id, expected } = await askedOnce(home);
      const rig = new AgentRig(home);
      const groups = await keysOfAgent(path.join(home, "agents", id));
      const keys = [...groups.values()].flatMap((group) => [...group.keys()]);
      const third = (await objects(home)).find((file) => file.includes(keys[2] ?? "none"));
      await rm(third ?? "");
      const { figures, tokenIds } = await rig.ask(id, second);
      assert.deepEqual([figures.cache.refused?.code, figures.cache.refused?.atToken], ["missing", 8]);
      assert.equal(figures.reusedTokens, 8);
      assert.deepEqual(tokenIds, expected.tokenIds);
    }));

  it("reads again, and says why, while the store's folder cannot be read, and finds everything there afterwards", () =>
    inFolder(async (home) => {
      const { id, expected } = await askedOnce(home);
      const folder = path.join(home, "store");
      await rename(folder, `${folder} aside`);
      await writeFile(folder, "a file in place of the folder");
      const rig = new AgentRig(home);
      const { figures, tokenIds } = await (await rig.agents.send(id, { text: second })).done;
      assert.equal(figures.cache.refused?.code, "unreadable");
      assert.match(figures.cache.refused?.reason ?? "", /ENOTDIR/);
      assert.equal(figures.cache.tier, "cold");
      assert.deepEqual(tokenIds, expected.tokenIds);
      await rig.agents.close();
      await rm(folder);
      await rename(`${folder} aside`, folder);
      const again = await new AgentRig(home).ask(id, "Thanks");
      assert.equal(again.figures.cache.tier, "warm");
      assert.equal(again.figures.cache.refused, undefined);
    }));

  it("keeps a block and a tail that cannot be opened at the moment", () =>
    inFolder(async (home) => {
      const { id, expected } = await askedOnce(home);
      const files = await objects(home);
      const { cache } = (await new AgentRig(home).store.read(id)).manifest;
      const tail = new AgentRig(home).store.tailPath(id, cache?.tail?.generation ?? 0);
      for (const refused of [files[0] ?? "", tail]) {
        const rig = new AgentRig(home);
        rig.files.refuseRead = (file) => (file === refused ? { code: "unreadable", reason: "EMFILE" } : undefined);
        await rig.agents.warm(id);
        await access(refused);
      }
      const { figures, tokenIds } = await new AgentRig(home).ask(id, second);
      assert.equal(figures.cache.refused, undefined);
      assert.deepEqual(tokenIds, expected.tokenIds);
    }));

  it("refuses a cache that another device computed, by name, and answers the same", () =>
    inFolder(async (home) => {
      const { id, expected } = await askedOnce(home);
      const rig = new AgentRig(home, { identity: { numericsId: "metal" } });
      const { figures, tokenIds } = await rig.ask(id, second);
      assert.equal(figures.cache.refused?.code, "foreign");
      assert.match(figures.cache.refused?.reason ?? "", /computed by fake-1, this is metal/);
      assert.equal(figures.reusedTokens, 0);
      assert.deepEqual(tokenIds, expected.tokenIds);
    }));

  it("refuses a tail of other tokens that is stored under this one's name", () =>
    inFolder(async (home) => {
      const { id, expected } = await askedOnce(home);
      const rig = new AgentRig(home);
      const { cache } = (await rig.store.read(id)).manifest;
      const tail = rig.store.tailPath(id, cache?.tail?.generation ?? 0);
      const file = await readFile(tail, "utf8");
      await writeFile(tail, file.replace(/"parent":"[0-9a-f]{2}/, '"parent":"zz'));
      const { figures, tokenIds } = await rig.ask(id, second);
      assert.equal(figures.cache.refused?.code, "checksum");
      assert.ok(figures.reusedTokens > 0);
      assert.deepEqual(tokenIds, expected.tokenIds);
    }));

  it("shares a prefix that another agent has left on disk", () =>
    inFolder(async (home) => {
      await askedOnce(home);
      const rig = new AgentRig(home);
      const { figures } = await rig.ask(await rig.create("Bob"), first);
      assert.equal(figures.cache.tier, "warm");
      assert.ok(figures.reusedTokens >= figures.promptTokens - rig.session.identity.blockTokens);
    }));

  it("restores as much as the pool has room for", () =>
    inFolder(async (home) => {
      const { id, expected } = await askedOnce(home);
      const blocks = Math.ceil((expected.figures.promptTokens + 8) / 4);
      const rig = new AgentRig(home, { totalBlocks: blocks });
      const { tokenIds, figures } = await rig.ask(id, second);
      assert.ok(figures.reusedTokens > 0);
      assert.deepEqual(tokenIds, expected.tokenIds);
    }));
});

describe("resume in the middle of a block", function () {
  this.timeout(20_000);

  it("reads only what is new after a rewind in another process", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home, { identity: { blockTokens: 64 } });
      const id = await rig.create();
      const opening = await rig.ask(id, "One");
      await rig.ask(id, "A second message that fills the block and goes on behind it for some time");
      await rig.agents.rewind(id, "t1");
      const fork = await rig.agents.fork(id, "Fork");
      await rig.agents.close();
      const before = opening.figures.promptTokens + opening.tokenIds.length;
      for (const agent of [id, fork.id]) {
        const { figures } = await new AgentRig(home, { identity: { blockTokens: 64 } }).ask(agent, "Two");
        assert.ok(figures.reusedTokens >= before - 1, `${figures.reusedTokens} of ${before}`);
        assert.equal(figures.cache.tier, "warm");
        assert.equal(figures.cache.refused, undefined);
      }
    }));
});

describe("a message that is being written", function () {
  this.timeout(20_000);
  /** What the fake template puts behind a message, a token a letter. */
  const closing = "\n<assistant>".length;
  const half = second.slice(0, -3);

  it("is read as it is written: when it is sent only the rest is left", () =>
    inFolder(async (home) => {
      const { id, expected } = await askedOnce(home);
      const rig = new AgentRig(home);
      await rig.agents.warm(id, "And then?");
      const summary = await rig.agents.warm(id, ` ${half} `);
      assert.equal(summary.hotTokens, expected.figures.promptTokens - closing - 3);
      assert.equal(summary.state, "idle");
      const { figures, tokenIds } = await rig.ask(id, second);
      assert.equal(figures.prefilledTokens, closing + 3);
      // What the read-ahead restored was in memory when the message came.
      assert.equal(figures.cache.tier, "hot");
      assert.deepEqual(tokenIds, expected.tokenIds);
    }));

  it("is read to its end where it comes right behind an answer, while that is being saved", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      await (await rig.agents.send(id, { text: first })).done;
      const { hotTokens } = await rig.agents.warm(id, second);
      const size = await rig.agents.measureDraft(id, second);
      assert.equal(hotTokens, (size?.promptTokens ?? 0) - closing);
    }));

  it("is read with the instructions of an agent that was never asked", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create("Ada", "Be brief.");
      assert.equal((await rig.agents.warm(id, " ")).hotTokens, 0);
      await rig.agents.warm(id, first);
      const { figures } = await rig.ask(id, first);
      assert.equal(figures.prefilledTokens, closing);
      assert.equal(figures.cache.tier, "hot");
    }));

  it("is nowhere on disk before it is sent, unlike all before it", () =>
    inFolder(async (home) => {
      const { id, expected } = await askedOnce(home);
      const rig = new AgentRig(home);
      await rig.agents.warm(id, "A secret that is never sent");
      await rig.agents.close();
      const { cache } = (await rig.store.read(id)).manifest;
      const opening = expected.figures.promptTokens - second.length - closing;
      assert.equal(cache?.tokens, opening);
      const again = await new AgentRig(home).ask(id, second);
      assert.equal(again.figures.reusedTokens, opening);
      assert.deepEqual(again.tokenIds, expected.tokenIds);
    }));

  it("that changes is read anew from there, and sending it waits for no reading", () =>
    inFolder(async (home) => {
      const { id, expected } = await askedOnce(home);
      const rig = new AgentRig(home);
      const readings = ["Something else", half, second].map((draft) => rig.agents.warm(id, draft));
      const { figures, tokenIds } = await rig.ask(id, second);
      await Promise.all(readings);
      assert.ok(figures.reusedTokens > 0);
      assert.deepEqual(tokenIds, expected.tokenIds);
    }));
});
