import assert from "node:assert/strict";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { BlockStore } from "../../../src/store/blockStore";
import { ReferenceReader } from "../../../src/store/references";
import { verifyStore } from "../../../src/store/verify";
import { windowTwin } from "../../../src/store/windowFiles";
import { AgentRig } from "../../support/agents/agentRig";
import { checkFakeBlockFile, FakeBlockFiles } from "../../support/store/fakeBlockFiles";
import { identity, inFolder, someTokens } from "../../support/store/fakes";

const checker = { checkBlockFile: checkFakeBlockFile };

async function storeOf(home: string, blocks: number) {
  const root = path.join(home, "store");
  const store = new BlockStore(root);
  const files = new FakeBlockFiles(identity.blockTokens);
  const chain = store.chain(identity, someTokens(blocks * identity.blockTokens));
  for (const block of [...chain, ...chain.slice(0, 1).map(windowTwin)]) await store.save(files, identity, block, 0);
  const paths = chain.map((block) => block.path);
  const at = (index: number) => paths[index] ?? "";
  return { root, at, references: new ReferenceReader(path.join(home, "agents")) };
}

async function change(file: string, damage: (text: string) => string): Promise<void> {
  await writeFile(file, damage(await readFile(file, "utf8")));
}

describe("verification", function () {
  this.timeout(20_000);

  it("finds nothing in what was saved", () =>
    inFolder(async (home) => {
      const { root, references } = await storeOf(home, 5);
      const report = await verifyStore(root, references, checker);
      assert.deepEqual(report.problems, []);
      assert.equal(report.checked.objects, 6);
      assert.equal(report.stopped, false);
    }));

  it("names each damaged file with its reason, and removes none", () =>
    inFolder(async (home) => {
      const { root, at, references } = await storeOf(home, 9);
      await change(at(0), (text) => text.slice(0, -3));
      await change(at(1), (text) => text.replace('"tokens":4', '"tokens":3'));
      await change(at(2), (text) => text.replace("fake-1", "fake-0"));
      await copyFile(at(4), at(3));
      const elsewhere = path.join(root, "0123456789abcdef", "ab", path.basename(at(5)));
      await mkdir(path.dirname(elsewhere), { recursive: true });
      await copyFile(at(5), elsewhere);
      await copyFile(at(6), windowTwin({ path: at(6) }).path);
      const { problems, checked } = await verifyStore(root, references, checker);
      assert.deepEqual(
        new Map(problems.map(({ path: file, code }) => [file, code])),
        new Map([
          [at(0), "truncated"],
          [at(1), "checksum"],
          [at(2), "format"],
          [at(3), "identity"],
          [elsewhere, "identity"],
          [windowTwin({ path: at(6) }).path, "identity"],
        ]),
      );
      assert.equal(checked.objects, 12);
    }));

  it("tells apart what cannot be read now", () =>
    inFolder(async (home) => {
      const { root, at, references } = await storeOf(home, 3);
      const failing = {
        checkBlockFile: async (file: string) =>
          file === at(1)
            ? { metadata: {}, refused: { code: "unreadable" as const, reason: "EIO" } }
            : checkFakeBlockFile(file),
      };
      const { problems } = await verifyStore(root, references, failing);
      assert.deepEqual(
        problems.map(({ code, reason }) => [code, reason]),
        [["unreadable", "EIO"]],
      );
    }));

  it("stops when it is told to, and tells what it has found", () =>
    inFolder(async (home) => {
      const { root, at, references } = await storeOf(home, 12);
      for (let index = 0; index < 12; index += 1) await change(at(index), (text) => text.slice(0, -3));
      const stop = new AbortController();
      const done: number[] = [];
      const report = await verifyStore(root, references, checker, {
        signal: stop.signal,
        onProgress: (bytes, total) => {
          done.push(bytes / total);
          if (done.length === 2) stop.abort();
        },
      });
      assert.equal(report.stopped, true);
      assert.equal(report.checked.objects, 4);
      assert.ok(report.problems.length >= 3);
      assert.ok(done.every((share) => share > 0 && share < 1));
    }));

  it("reads the tails that agents name", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      await rig.ask(id, "Tell me of the harbour");
      await rig.agents.close();
      const { cache } = (await rig.store.read(id)).manifest;
      const tail = rig.store.tailPath(id, cache?.tail?.generation ?? 0);
      const verify = () => verifyStore(path.join(home, "store"), rig.store.references, checker);
      assert.deepEqual((await verify()).problems, []);
      const other = new AgentRig(path.join(home, "other"));
      const otherId = await other.create();
      await other.ask(otherId, "Another conversation");
      await other.agents.close();
      const otherTail = (await other.store.read(otherId)).manifest.cache?.tail?.generation ?? 0;
      await copyFile(other.store.tailPath(otherId, otherTail), tail);
      assert.deepEqual(
        (await verify()).problems.map(({ path: file, code }) => [file, code]),
        [[tail, "identity"]],
      );
    }));
});
