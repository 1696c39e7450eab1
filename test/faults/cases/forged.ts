import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { agentRecordOf } from "../../../src/store/agentRecord";
import { AgentStore } from "../../../src/store/agentStore";
import { durableFiles } from "../../../src/store/files";
import { agentFiles, encodeManifest, type Manifest } from "../../../src/store/manifest";
import { emptyEnd, TurnLogWriter } from "../../../src/store/turnLog";
import { FakeLocks } from "../../support/store/fakes";
import type { Family } from "../families";
import { copyFixture } from "../home/fixture";
import { visit } from "../home/visit";
import { inFolderOf } from "../world";
import { type Forge, forgeries, largeForgeries } from "./forgeries";

/** Files whose checksums are right and whose contents are hostile. */
export const forged: Family = {
  name: "forged",
  limitMs: 90_000,
  list: async (_, { quick }) => Object.keys(forgeries).filter((name) => !quick || !largeForgeries.includes(name)),
  run: (world, id) =>
    inFolderOf(world, async (folder) => {
      const { home, truth } = await copyFixture(world.fixture, folder);
      const victim = [...truth.agents.values()].find(({ name }) => name === "Eve");
      const forge = forgeries[id];
      if (victim === undefined || forge === undefined) throw new Error(`there is no forgery ${id}`);
      // Files that must not be touched, whatever a manifest says.
      const outside = path.join(folder, "outside");
      await mkdir(outside);
      await writeFile(path.join(outside, agentFiles.manifest), "mine");
      await writeFile(path.join(folder, "outside.safetensors"), "mine");
      await write(home, victim.id, forge);
      const verdict = await visit(world, { home, truth, victim: victim.id, forged: true });
      const isThere = (file: string) =>
        readFile(path.join(folder, file)).then(
          (bytes) => bytes.equals(mine),
          () => false,
        );
      const touched = !(await isThere("outside/manifest.json")) || !(await isThere("outside.safetensors"));
      if (touched) return { outcome: "wrong", detail: "a file outside of the home was touched" };
      return isPolluted() ? { outcome: "wrong", detail: "the prototype of all objects was changed" } : verdict;
    }),
};

const mine = Buffer.from("mine");

function isPolluted(): boolean {
  return Reflect.get({}, "polluted") !== undefined;
}

/** Writes the folder's files anew, as the product would write such contents. */
async function write(home: string, id: string, forge: Forge): Promise<void> {
  const store = new AgentStore(path.join(home, "agents"), durableFiles, () => new FakeLocks().process());
  const { manifest, entries } = await store.read(id);
  const log = new TurnLogWriter(emptyEnd());
  // The manifest is forged below, when the digests of the written logs are known.
  const written = forge({ manifest, entries });
  log.describe(agentRecordOf(manifest));
  for (const entry of written.entries ?? entries) log.append(entry);
  const { turnBytes, tokenBytes, committed } = log.pending();
  const own = { ...manifest, logs: committed };
  const { manifest: change = {} } = forge({ manifest: own, entries });
  const folder = path.join(home, "agents", id);
  await writeFile(path.join(folder, agentFiles.turns), turnBytes);
  await writeFile(path.join(folder, agentFiles.tokens), tokenBytes);
  await writeFile(path.join(folder, agentFiles.manifest), encodeManifest(Object.assign<Manifest, object>(own, change)));
}
