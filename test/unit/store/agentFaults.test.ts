import assert from "node:assert/strict";
import { cp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { ResidentError } from "../../../src/common/errors";
import type { RepairPlan } from "../../../src/store/agentRepair";
import { AgentStore } from "../../../src/store/agentStore";
import { durableFiles } from "../../../src/store/files";
import { withFailingCalls, withShortWrites } from "../../support/store/failingCalls";
import { FakeLocks, inFolder, tokens } from "../../support/store/fakes";

const someone = { modelDirectory: "/models/smol", modelName: "smol", contextTokens: 8192, system: "" };

function storeIn(home: string): AgentStore {
  const process = new FakeLocks().process();
  return new AgentStore(home, durableFiles, () => process);
}

const plan: RepairPlan = {
  understand: async (entries) => ({ kept: entries.length, turns: entries.length, headTokens: 0, headTurns: 0 }),
  isTurn: () => true,
  fallback: async () => ({ name: "nobody", modelDirectory: "", modelName: "", contextTokens: 1 }),
};

/** Ada with three entries, her folder's name `ada`. */
async function homeIn(home: string): Promise<string> {
  const writer = await storeIn(home).create({ ...someone, name: "Ada" });
  for (const n of [1, 2, 3]) writer.append({ n }, tokens(n));
  await writer.commit();
  await writer.close();
  return writer.manifest.id;
}

interface Operation {
  readonly name: string;
  /** Makes the home what the operation needs. */
  readonly before?: (home: string, id: string) => Promise<void>;
  readonly run: (store: AgentStore, id: string) => Promise<unknown>;
  /** Asserts on what another process finds, after a failure too; says whether the operation took place. */
  readonly after: (store: AgentStore, id: string, home: string) => Promise<boolean>;
}

const names = async (store: AgentStore) => (await store.list()).manifests.map(({ name }) => name).sort();

/** Ada is whole, with at least what she had. */
async function adaHas(store: AgentStore, id: string, counts: readonly number[]): Promise<number> {
  const { entries, damage } = await store.read(id);
  assert.equal(damage, undefined);
  assert.ok(counts.includes(entries.length), `${entries.length} entries`);
  assert.deepEqual(
    entries.map(({ body, tokens: ids }) => [body["n"], [...ids]]),
    entries.map((_, index) => [index + 1, [index + 1]]),
  );
  return entries.length;
}

const operations: readonly Operation[] = [
  {
    name: "a creation",
    run: async (store) => (await store.create({ ...someone, name: "Bob" })).close(),
    after: async (store, id) => {
      await adaHas(store, id, [3]);
      assert.deepEqual((await store.list()).unreadable, []);
      const made = (await names(store)).includes("Bob");
      if (!made) await (await store.create({ ...someone, name: "Bob" })).close();
      return made;
    },
  },
  {
    name: "a fork",
    run: async (store, id) =>
      (await store.fork(await store.read(id), { name: "Bob", headTokens: 0, headTurns: 0 })).close(),
    after: async (store, id) => {
      await adaHas(store, id, [3]);
      const { manifests, unreadable } = await store.list();
      assert.deepEqual(unreadable, []);
      const fork = manifests.find(({ name }) => name === "Bob");
      if (fork !== undefined) await adaHas(store, fork.id, [3]);
      return fork !== undefined;
    },
  },
  {
    name: "a message",
    run: async (store, id) => {
      const { writer } = await store.open(id);
      try {
        await writer.appendOrUndo([{ body: { n: 4 }, tokens: tokens(4) }], { head: "t4" }, { head: null });
      } finally {
        await writer.close();
      }
    },
    after: async (store, id) => (await adaHas(store, id, [3, 4])) === 4,
  },
  {
    name: "a rename",
    run: async (store, id) => {
      const { writer } = await store.open(id);
      try {
        await store.rename(writer, "Cleo");
      } finally {
        await writer.close();
      }
    },
    after: async (store, id) => {
      await adaHas(store, id, [3]);
      const [name] = await names(store);
      assert.ok(name === "Ada" || name === "Cleo");
      return name === "Cleo";
    },
  },
  {
    name: "a deletion",
    run: (store, id) => store.remove(id),
    after: async (store, id, home) => {
      if ((await names(store)).length > 0) {
        await adaHas(store, id, [3]);
        return false;
      }
      await store.sweep();
      assert.deepEqual(
        (await readdir(home)).filter((name) => name !== ".names.lock"),
        [],
      );
      return true;
    },
  },
  {
    name: "the repair of a manifest",
    before: (home, id) => writeFile(path.join(home, id, "manifest.json"), "damaged"),
    run: (store, id) => store.repair(id, plan),
    after: async (store, id) => {
      const done = (await names(store)).includes("Ada");
      if (!done) assert.equal((await store.list()).unreadable[0]?.agent?.name, "Ada");
      await store.repair(id, plan);
      await adaHas(store, id, [3]);
      return done;
    },
  },
  {
    name: "the repair of a log",
    before: async (home, id) => {
      const file = path.join(home, id, "turns.log");
      const log = await readFile(file);
      log.writeUInt8(log.readUInt8(log.length - 3) ^ 1, log.length - 3);
      await writeFile(file, log);
    },
    run: (store, id) => store.repair(id, plan),
    after: async (store, id) => {
      const done = (await store.read(id)).damage === undefined;
      await store.repair(id, plan);
      await adaHas(store, id, [2]);
      return done;
    },
  },
];

describe("when a call of the system fails once", function () {
  this.timeout(120_000);

  for (const { name, before, run, after } of operations) {
    it(`${name} takes place as a whole or not at all, and the next one is in nobody's way`, () =>
      inFolder(async (folder) => {
        const original = path.join(folder, "original");
        const id = await homeIn(original);
        await before?.(original, id);
        let refused = 0;
        for (let failing = 0; ; failing += 1) {
          const home = path.join(folder, String(failing));
          await cp(original, home, { recursive: true });
          const code = ["EIO", "ENOSPC", "EACCES", "EMFILE"][failing % 4] ?? "EIO";
          let call = -1;
          const isFailing = () => {
            call += 1;
            return call === failing;
          };
          let error: unknown;
          const failures = await withFailingCalls(code, isFailing, async () => {
            await run(storeIn(home), id).catch((reason: unknown) => {
              error = reason;
            });
          });
          if (failures === 0) {
            assert.equal(error, undefined);
            break;
          }
          const where = `call ${failing} with ${code}`;
          if (error !== undefined) {
            assert.ok(error instanceof ResidentError && error.code !== "INTERNAL", `${where}: ${error}`);
            refused += 1;
          }
          const done = await after(storeIn(home), id, home).catch((reason: unknown) => {
            throw new Error(`after ${where}: ${reason instanceof Error ? reason.stack : reason}`);
          });
          if (!done) assert.notEqual(error, undefined, `${where} was not told`);
          await rm(home, { recursive: true });
        }
        assert.ok(refused > 1, `${refused}`);
      }));
  }
});

describe("when the system writes less than was asked for", () => {
  it("everything is written all the same", () =>
    inFolder(async (home) => {
      await withShortWrites(7, async () => {
        const id = await homeIn(home);
        const store = storeIn(home);
        await adaHas(store, id, [3]);
        const fork = await store.fork(await store.read(id), { name: "Bob", headTokens: 0, headTurns: 0 });
        await fork.close();
        await adaHas(store, fork.manifest.id, [3]);
      });
    }));

  it("nothing at all, it fails and changes nothing", () =>
    inFolder(async (home) => {
      const id = await homeIn(home);
      const { writer } = await storeIn(home).open(id);
      writer.append({ n: 4 }, tokens(4));
      await withShortWrites(0, async () => {
        await assert.rejects(writer.commit(), { code: "IO_FAILURE" });
      });
      await adaHas(storeIn(home), id, [3]);
      await writer.commit();
      await adaHas(storeIn(home), id, [4]);
    }));
});
