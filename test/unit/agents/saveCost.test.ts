import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { listObjects } from "../../../src/store/objectFiles";
import { keysOfAgent } from "../../../src/store/references";
import { evict } from "../../../src/store/removals";
import { AgentRig } from "../../support/agents/agentRig";
import { identity, inFolder } from "../../support/store/fakes";
import { countCalls } from "../../support/store/interceptedCalls";

const message = "Tell me of the harbour and its three parts";

/** What one more turn calls of the file system, of an agent that has read `letters` before. */
async function callsOfATurn(home: string, letters: number) {
  const rig = new AgentRig(home, { totalBlocks: 1000, contextTokens: 3000 });
  const id = await rig.create();
  await rig.ask(id, "x".repeat(letters));
  const counts = await countCalls(home, ["stat", "open", "rename", "sync"], async () => {
    await (await rig.agents.send(id, { text: "And then?" })).done;
    await rig.agents.close();
  });
  const { size } = await stat(manifestPath(home, id));
  const count = (name: string) => counts.get(name) ?? 0;
  return { stats: count("stat"), opens: count("open"), syncs: count("sync"), manifestBytes: size };
}

function manifestPath(home: string, id: string): string {
  return path.join(home, "agents", id, "manifest.json");
}

async function keysOnDisk(home: string, id: string): Promise<readonly string[]> {
  const groups = await keysOfAgent(path.join(home, "agents", id));
  return [...groups.values()].flatMap((group) => [...group.keys()]);
}

describe("what a turn costs on disk", function () {
  this.timeout(20_000);

  it("is in proportion to what is new, however long the history", () =>
    inFolder(async (home) => {
      const short = await callsOfATurn(path.join(home, "short"), 100);
      const long = await callsOfATurn(path.join(home, "long"), 1500);
      assert.equal(long.stats, short.stats);
      assert.equal(long.opens, short.opens);
      assert.equal(long.syncs, short.syncs);
      assert.ok(Math.abs(long.manifestBytes - short.manifestBytes) < 100, "the manifest grows with the history");
      // Message: log, manifest, folder. Answer: tokens, log, manifest, folder. Cache: manifest.
      assert.ok(long.syncs >= 6 && long.syncs <= 8, `${long.syncs} waits for the disk`);
    }));

  it("looks again at what was saved once another process has evicted something, and writes that again", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      await rig.ask(id, message);
      const root = path.join(home, "store");
      const [first] = await listObjects(root);
      assert.ok(first);
      await evict(root, [first]);
      await rig.ask(id, "And?");
      assert.ok((await listObjects(root)).some(({ key }) => key === first.key));
      await rig.agents.close();
      const { figures } = await new AgentRig(home).ask(id, "Thanks");
      assert.equal(figures.cache.refused, undefined);
    }));

  it("is repaired by the next save where a file was missing", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      await rig.ask(id, message);
      await rig.agents.close();
      const [first] = await listObjects(path.join(home, "store"));
      assert.ok(first);
      await rm(first.path);
      const next = new AgentRig(home);
      assert.equal((await next.ask(id, "And?")).figures.cache.refused?.code, "missing");
      await next.agents.close();
      const { figures } = await new AgentRig(home).ask(id, "Thanks");
      assert.equal(figures.cache.refused, undefined);
      assert.equal(figures.cache.tier, "warm");
    }));
});

describe("the keys of an agent's blocks", function () {
  this.timeout(20_000);

  it("protect from the quota only what is in use: not the branches that were left", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      for (let turn = 0; turn < 4; turn += 1) {
        await rig.agents.rewind(id, undefined);
        await rig.ask(id, `${turn} ${message}`);
      }
      const hotBlocks = Math.floor(((await rig.agents.list())[0]?.hotTokens ?? 0) / identity.blockTokens);
      const needed = rig.agents.neededKeys();
      assert.ok(hotBlocks > 10);
      assert.equal(needed.size, hotBlocks);
      const all = await keysOnDisk(home, id);
      assert.ok(all.length > 3 * hotBlocks, `${all.length} keys of 4 branches of ${hotBlocks} blocks`);
      const unsaved = [...needed].filter((key) => !all.includes(key));
      assert.ok(unsaved.length <= 4, "only what was read ahead since the last save has no key on disk");
      await rig.agents.close();
      assert.equal(rig.agents.neededKeys().size, 0);
    }));

  it("move from a manifest of the older format with the next save, and are used before", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      await rig.ask(id, message);
      await rig.agents.close();
      const { manifest } = await rig.store.read(id);
      const blocks = await keysOnDisk(home, id);
      assert.ok(manifest.cache && blocks.length > 10);
      const { keyRecords: _, ...cache } = { ...manifest.cache, blocks };
      await writeFile(manifestPath(home, id), encodeAsFormat1({ ...manifest, cache }));
      await rm(path.join(home, "agents", id, "keys.bin"));
      assert.deepEqual(await keysOnDisk(home, id), blocks);
      const next = new AgentRig(home);
      const lost = (await listObjects(path.join(home, "store"))).find(({ key }) => key === blocks[3]);
      await rm(lost?.path ?? "");
      const { figures } = await next.ask(id, "And?");
      assert.equal(figures.cache.refused?.code, "missing", "the old manifest's keys say what was saved");
      await next.agents.close();
      assert.equal((await next.store.read(id)).manifest.cache?.blocks, undefined);
      assert.deepEqual((await keysOnDisk(home, id)).slice(0, blocks.length), blocks);
      assert.equal((await new AgentRig(home).ask(id, "Thanks")).figures.cache.refused, undefined);
    }));

  it("are a fork's too", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      await rig.ask(id, message);
      const fork = await rig.agents.fork(id, "Fork");
      assert.deepEqual(await keysOnDisk(home, fork.id), await keysOnDisk(home, id));
      await rig.agents.delete(id);
      await rig.agents.close();
      const { figures } = await new AgentRig(home).ask(fork.id, "And?");
      assert.equal(figures.cache.tier, "warm");
      assert.equal(figures.cache.refused, undefined);
    }));
});

/** The manifest as the format before would have it. */
function encodeAsFormat1(manifest: object): string {
  const body = JSON.stringify({ format: 1, ...manifest });
  return JSON.stringify({ checksum: createHash("sha256").update(body).digest("hex"), body });
}
