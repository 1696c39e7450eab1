import assert from "node:assert/strict";
import { readFile, rm, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { listObjects } from "../../../src/store/objectFiles";
import { ask, askArgs, runCli, show, startCli } from "../../support/agents/cli";
import { temporaryFolder } from "../../support/models/folders";

const message = "Write a short story about a lighthouse keeper who finds a letter. ".repeat(16);

describe("resident store", function () {
  this.timeout(240_000);
  const folder = temporaryFolder();
  const home = () => path.join(folder.path, "home");
  const objects = () => listObjects(path.join(home(), "store"));

  async function store(verb: string, expectedCode = 0) {
    const { code, stdout, stderr } = await runCli(["store", verb, "--json", "--home", home()]);
    assert.equal(code, expectedCode, stderr);
    return { report: JSON.parse(stdout), stderr };
  }

  /** As if nobody had used them for two hours. */
  async function age(): Promise<void> {
    const longAgo = new Date(Date.now() - 2 * 60 * 60_000);
    for (const object of await objects()) await utimes(object.path, longAgo, longAgo);
  }

  it("finds and removes damage of real files, and the agent reads that part again", async () => {
    const { promptTokens } = await ask(home(), message, 4);
    const all = await objects();
    assert.ok(all.length >= 3, `${all.length} blocks of ${promptTokens} tokens`);
    assert.equal((await store("stats")).report.referenced.objects, all.length);
    const whole = (await store("verify")).report;
    assert.deepEqual([whole.problems, whole.checked.objects], [[], all.length + 1]);
    const [first] = all;
    assert.ok(first);
    const bytes = await readFile(first.path);
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 9) ^ 1, bytes.length - 9);
    await writeFile(first.path, bytes);
    const { report, stderr } = await store("verify", 1);
    assert.deepEqual(
      report.problems.map(({ path: file, code }: { path: string; code: string }) => [file, code]),
      [[first.path, "checksum"]],
    );
    assert.match(stderr, /STORE_CORRUPT: 1 saved files/);
    assert.equal((await objects()).length, all.length);
    assert.equal((await store("repair")).report.removed.objects, 1);
    assert.deepEqual((await store("verify")).report.problems, []);
    assert.equal((await ask(home(), "And then?", 4)).cache.refused?.code, "missing");
    assert.equal((await objects()).length >= all.length, true, "the save has written it again");
  });

  it("collects what a killed deletion left, and takes nothing that another process is about to name", async () => {
    await ask(home(), message, 4);
    const { id } = await show(home());
    const before = await objects();
    for (let round = 0; round < 3; round += 1) {
      await rm(path.join(home(), "agents", round === 0 ? id : (await show(home())).id), { recursive: true });
      await age();
      const answering = startCli(askArgs(home(), message, 4));
      let collections = 0;
      while (!answering.hasEnded()) {
        const { code, stderr } = await runCli(["store", "gc", "--json", "--home", home()]);
        // The answering process collects by itself too, an hour after the last time.
        if (code !== 0) assert.match(stderr, /AGENT_LOCKED/);
        collections += 1;
      }
      const { code, stderr } = await answering.result;
      assert.equal(code, 0, stderr);
      assert.ok(collections > 0);
      const { referenced } = (await store("stats")).report;
      const again = await ask(home(), "Go on", 4);
      assert.equal(again.cache.refused, undefined, `round ${round}: ${JSON.stringify(again.cache)}`);
      assert.equal(again.cache.tier, "warm");
      assert.ok(referenced.objects >= before.length);
    }
    await rm(path.join(home(), "agents", (await show(home())).id), { recursive: true });
    await age();
    const { removed } = (await store("gc")).report;
    assert.ok(removed.objects >= before.length);
    assert.deepEqual(await objects(), []);
  });

  it("tells what it would forget, and forgets it when it is told to be sure", async () => {
    await ask(home(), message, 4);
    const asked = await runCli(["store", "forget", "--home", home()]);
    assert.equal(asked.code, 1);
    assert.match(
      asked.stdout,
      /this would delete 1 agents with their conversations \(\d+ files, .*\) and all saved blocks/,
    );
    assert.match(asked.stderr, /^USAGE: .*--yes/);
    assert.equal((await show(home())).turns.length, 1);
    const { code, stdout } = await runCli(["store", "forget", "--yes", "--home", home()]);
    assert.equal(code, 0);
    assert.match(stdout, /deleting 1 agents .*\neverything is forgotten/s);
    assert.deepEqual(await objects(), []);
    const { stdout: list } = await runCli(["agents", "list", "--json", "--home", home()]);
    assert.deepEqual(JSON.parse(list).agents, []);
  });
});
