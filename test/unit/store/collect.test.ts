import assert from "node:assert/strict";
import { access, mkdir, readdir, rename, rm, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import fc from "fast-check";
import { BlockStore, type StoredBlock } from "../../../src/store/blockStore";
import { collectGarbage, removeObjectsOf } from "../../../src/store/collect";
import { durableFiles } from "../../../src/store/files";
import { KeyFile, readKeys } from "../../../src/store/keyFile";
import { listObjects } from "../../../src/store/objectFiles";
import { ReferenceReader } from "../../../src/store/references";
import { windowTwin } from "../../../src/store/windowFiles";
import { FakeBlockFiles } from "../../support/store/fakeBlockFiles";
import { identity, inFolder, someTokens } from "../../support/store/fakes";
import { whileIntercepting } from "../../support/store/interceptedCalls";

const hourMs = 60 * 60_000;
const other = { ...identity, weightsId: "other weights", numericsId: "metal" };

/** A home's store and agents' folders, as one process sees them. */
class Process {
  readonly root: string;
  readonly agentsRoot: string;
  readonly store: BlockStore;
  readonly files = new FakeBlockFiles(identity.blockTokens);
  readonly references: ReferenceReader;

  constructor(home: string) {
    this.root = path.join(home, "store");
    this.agentsRoot = path.join(home, "agents");
    this.store = new BlockStore(this.root);
    this.references = new ReferenceReader(this.agentsRoot);
  }

  chain(blocks: number, of = identity): readonly StoredBlock[] {
    return this.store.chain(of, someTokens(blocks * identity.blockTokens));
  }

  /** Writes the blocks; nobody names them. */
  async write(chain: readonly StoredBlock[], of = identity): Promise<void> {
    for (const block of chain) await this.store.save(this.files, of, block, 0);
  }

  async keysOf(agent: string): Promise<KeyFile> {
    await mkdir(path.join(this.agentsRoot, agent), { recursive: true });
    return new KeyFile(() => path.join(this.agentsRoot, agent, "keys.bin"), durableFiles, undefined);
  }

  async name(agent: string, chain: readonly StoredBlock[], of = identity): Promise<void> {
    await (await this.keysOf(agent)).add(
      of,
      chain.map(({ key }) => key),
    );
  }

  /** What a save of `agent` does, without the manifest. */
  async save(keys: KeyFile, chain: readonly StoredBlock[]): Promise<void> {
    await keys.add(
      identity,
      chain.map(({ key }) => key),
    );
    await this.store.checkRemovals();
    await this.write(chain);
  }

  collect(nowMs = Date.now() + 2 * hourMs) {
    return collectGarbage(this.root, this.references, { nowMs });
  }

  async keysOnDisk(): Promise<readonly string[]> {
    return (await listObjects(this.root)).map(({ key }) => key);
  }
}

describe("collection", function () {
  this.timeout(30_000);

  it("removes what no agent names, of every identity, and nothing that one does", () =>
    inFolder(async (home) => {
      const one = new Process(home);
      const [named, foreign] = [one.chain(6), one.chain(4, other)];
      await one.write([...named, ...named.map(windowTwin)]);
      await one.write(foreign, other);
      await one.name("ada", named.slice(0, 4));
      await one.name("bob", foreign.slice(0, 1), other);
      const report = await one.collect();
      assert.equal(report.removed.objects, 2 * 2 + 3);
      const kept = [...named.slice(0, 4), ...named.slice(0, 4), ...foreign.slice(0, 1)].map(({ key }) => key);
      assert.deepEqual([...(await one.keysOnDisk())].sort(), kept.sort());
    }));

  it("leaves what was used within the last hour", () =>
    inFolder(async (home) => {
      const one = new Process(home);
      const chain = one.chain(3);
      await one.write(chain);
      await one.name("ada", []);
      await utimes(chain[1]?.path ?? "", 1, 1);
      const report = await one.collect(Date.now());
      assert.equal(report.removed.objects, 1);
      assert.equal(report.young.objects, 2);
      assert.equal((await one.keysOnDisk()).length, 2);
    }));

  it("removes nothing while an agent's references cannot be known, and says whose", () =>
    inFolder(async (home) => {
      const one = new Process(home);
      const chain = one.chain(3);
      await one.write(chain);
      await one.name("ada", []);
      await writeFile(path.join(one.agentsRoot, "ada", "manifest.json"), "damaged");
      const { removed, unknown } = await one.collect();
      assert.equal(removed.objects, 0);
      assert.deepEqual(
        unknown.map(({ agent }) => agent),
        ["ada"],
      );
      // Once the key file has keys, no manifest has any.
      await one.name("ada", chain.slice(0, 1));
      assert.equal((await one.collect()).removed.objects, 2);
      for (const name of ["manifest.json", "keys.bin"]) await rm(path.join(one.agentsRoot, "ada", name));
      await writeFile(path.join(one.agentsRoot, "ada", "turns.log"), "what was said");
      assert.equal((await one.collect()).unknown.length, 1, "a manifest that is not there may have named it");
      await rm(path.join(one.agentsRoot, "ada"), { recursive: true });
      await rename(one.agentsRoot, `${one.agentsRoot} aside`);
      assert.deepEqual([(await one.collect()).removed.objects, (await one.collect()).unknown.length], [0, 1]);
      await rename(`${one.agentsRoot} aside`, one.agentsRoot);
      assert.equal((await one.collect()).removed.objects, 1);
    }));

  it("counts an agent that is being made, and none that is being deleted", () =>
    inFolder(async (home) => {
      const one = new Process(home);
      const chain = one.chain(2);
      await one.write(chain);
      await one.name(".new-ada", chain.slice(0, 1));
      await one.name(".deleted-bob-1", chain);
      await one.collect();
      assert.deepEqual(await one.keysOnDisk(), [chain[0]?.key]);
    }));

  it("finds the keys of an agent whose folder gets its own name while it is read", () =>
    inFolder(async (home) => {
      const one = new Process(home);
      const chain = one.chain(2);
      await one.write(chain);
      await one.name(".new-ada", chain);
      let isMoved = false;
      const before = async (): Promise<void> => {
        if (isMoved) return;
        isMoved = true;
        await rename(path.join(one.agentsRoot, ".new-ada"), path.join(one.agentsRoot, "ada"));
      };
      const { isReferenced, numAgents } = await whileIntercepting({ folder: home, names: ["open"], before }, () =>
        one.references.read(),
      );
      assert.ok(isMoved && chain.every(({ key }) => isReferenced(key)));
      assert.equal(numAgents, 1);
    }));

  it("removes what a dead process has left half written, and not what a living one writes", () =>
    inFolder(async (home) => {
      const one = new Process(home);
      const folder = path.join(one.root, "ab");
      await mkdir(folder, { recursive: true });
      const dead = 2 ** 22 + 1;
      for (const name of [`a.safetensors.tmp-${dead}-1`, `b.safetensors.tmp-${process.pid}-1`]) {
        await writeFile(path.join(folder, name), "x");
      }
      assert.equal((await one.collect(Date.now())).temporaryFiles, 0, "its writer may be of another machine");
      assert.equal((await one.collect(Date.now() + 2 * 60_000)).temporaryFiles, 1);
      assert.deepEqual(await readdir(folder), [`b.safetensors.tmp-${process.pid}-1`]);
      assert.equal((await one.collect(Date.now() + 2 * hourMs)).temporaryFiles, 1);
    }));

  it("takes a deleted agent's objects of all identities at once, but those of others", () =>
    inFolder(async (home) => {
      const one = new Process(home);
      const [mine, foreign] = [one.chain(5), one.chain(2, other)];
      await one.write(mine);
      await one.write(foreign, other);
      await one.name("ada", mine);
      await one.name("ada", foreign, other);
      await one.name("bob", mine.slice(0, 2));
      const keys = await readKeys(path.join(one.agentsRoot, "ada", "keys.bin"));
      await rm(path.join(one.agentsRoot, "ada"), { recursive: true });
      assert.equal((await removeObjectsOf(one.root, one.references, keys)).objects, 5);
      assert.deepEqual(
        [...(await one.keysOnDisk())].sort(),
        mine
          .slice(0, 2)
          .map(({ key }) => key)
          .sort(),
      );
    }));

  it("never takes what a save of another process has named, in any interleaving of their calls", () =>
    inFolder(async (home) => {
      let run = 0;
      const names = ["open", "readdir", "rename", "rm", "stat", "writeFile", "readFile", "mkdir"];
      await fc.assert(
        fc.asyncProperty(fc.scheduler(), async (scheduler) => {
          run += 1;
          const folder = path.join(home, `${run}`);
          const [saver, collector] = [new Process(folder), new Process(folder)];
          const chain = saver.chain(3);
          // The saver knows these objects, nobody names them any more, and they are old enough to go.
          await saver.write(chain.slice(0, 2));
          const keys = await saver.keysOf("ada");
          const before = (name: string) => scheduler.schedule(Promise.resolve(), name);
          await whileIntercepting({ folder, names, before }, () =>
            scheduler.waitFor(
              Promise.all([
                saver.save(keys, chain.slice(0, 1)).then(() => saver.save(keys, chain)),
                collector.collect(),
              ]),
            ),
          );
          for (const { path: file } of chain) await access(file);
          await rm(folder, { recursive: true });
        }),
        { numRuns: 80 },
      );
    }));
});
