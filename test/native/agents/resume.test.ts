import assert from "node:assert/strict";
import { cp, mkdtemp, open, readdir, rm, stat, truncate } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { ask, askArgs, type CliAnswer, type RunningCli, runCli, show, startCli } from "../../support/agents/cli";

/** More than one block of 64 tokens, so that there are a full block and a tail. */
const first =
  "The harbour of the old town was built in three parts: a long wall of grey stone, a basin for small boats, and a deep " +
  "quay with two cranes. Answer in one word: how many parts are there?";
const second = "And how many cranes?";
/** Its answer takes all the tokens that it may have; they must fit the pool. */
const long = "Write a long story about a boat, a storm and a lighthouse.";

async function blockFiles(home: string): Promise<readonly string[]> {
  const names = await readdir(path.join(home, "store"), { recursive: true });
  return names.filter((name) => name.endsWith(".safetensors")).map((name) => path.join(home, "store", name));
}

/** The one block file of a home whose agent has read less than two blocks. */
async function onlyBlock(home: string): Promise<string> {
  const [file, ...others] = await blockFiles(home);
  assert.ok(file !== undefined && others.length === 0);
  return file;
}

describe("an agent in processes that come and go", function () {
  this.timeout(300_000);

  let folder: string;
  let home: string;
  let opening: CliAnswer;
  let resumed: CliAnswer;

  /** A copy of the home after the first answer, and nothing after it. */
  async function copyOfHome(name: string): Promise<string> {
    const copy = path.join(folder, name);
    await cp(path.join(folder, "after one turn"), copy, { recursive: true });
    return copy;
  }

  before(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), "resident agents "));
    home = path.join(folder, "home");
    opening = await ask(home, first, 4);
    await cp(home, path.join(folder, "after one turn"), { recursive: true });
    resumed = await ask(home, second, 4);
  });

  after(() => rm(folder, { recursive: true, force: true }));

  it("reads nothing twice: the second process prefills only what is new", () => {
    assert.equal(opening.cache.tier, "cold");
    assert.equal(opening.reusedTokens, 0);
    assert.equal(resumed.cache.tier, "warm");
    assert.equal(resumed.cache.refused, undefined);
    assert.equal(resumed.reusedTokens, opening.promptTokens + opening.tokenIds.length - 1);
    assert.equal(resumed.prefilledTokens, resumed.promptTokens - resumed.reusedTokens);
    assert.ok(resumed.prefilledTokens < 32);
  });

  const damages: readonly (readonly [string, string, (file: string) => Promise<void>])[] = [
    ["truncated", "truncated", async (file) => truncate(file, (await stat(file)).size - 100)],
    ["with a changed byte", "checksum", (file) => flipByte(file)],
  ];
  for (const [name, code, damage] of damages) {
    it(`refuses a block file that is ${name}, with the reason, and answers the same`, async () => {
      const copy = await copyOfHome(name);
      await damage(await onlyBlock(copy));
      const answer = await ask(copy, second, 4);
      assert.equal(answer.cache.refused?.code, code);
      assert.equal(answer.cache.refused?.atToken, 0);
      assert.equal(answer.reusedTokens, 0);
      assert.deepEqual(answer.tokenIds, resumed.tokenIds);
      assert.ok((await stat(await onlyBlock(copy))).size > 100_000, "the save after it has written the block anew");
    });
  }

  it("keeps a partial answer when it is killed in the middle, and goes on from there", async () => {
    const copy = await copyOfHome("killed");
    const running = startCli([...askArgs(copy, long, 1200), "--no-lookup"]);
    await partialAnswer(copy, running);
    running.kill();
    assert.equal((await running.result).code, null, "it was killed, it did not end by itself");
    const { turns } = await show(copy);
    assert.equal(turns.at(-1)?.state, "interrupted");
    assert.notEqual(turns.at(-1)?.answer, "");
    const answer = await ask(copy, "Stop.", 2);
    assert.equal(answer.cache.tier, "warm");
    assert.ok(answer.reusedTokens >= opening.promptTokens);
    assert.deepEqual(
      (await show(copy)).turns.map(({ state }) => state),
      ["done", "interrupted", "done"],
    );
  });

  it("answers on a full disk, says DISK_FULL, and has everything when there is room again", async () => {
    const copy = path.join(folder, "full");
    const { code, stdout, stderr } = await runCli(askArgs(copy, first, 4), { fileLimitKb: 256 });
    assert.equal(code, 0, stderr);
    assert.match(stderr, /DISK_FULL/);
    assert.deepEqual(JSON.parse(stdout).tokenIds, opening.tokenIds);
    assert.deepEqual(await blockFiles(copy), []);
    const { turns } = await show(copy);
    assert.deepEqual([turns[0]?.state, turns[0]?.user], ["done", first]);
    const answer = await ask(copy, second, 4);
    assert.equal(answer.cache.tier, "cold");
    assert.deepEqual(answer.tokenIds, resumed.tokenIds);
    assert.equal((await blockFiles(copy)).length, 1);
  });
});

async function flipByte(file: string): Promise<void> {
  const handle = await open(file, "r+");
  try {
    const { size } = await handle.stat();
    const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 50);
    await handle.write(Buffer.from([buffer.readUInt8(0) ^ 1]), 0, 1, size - 50);
  } finally {
    await handle.close();
  }
}

/** Resolves once a part of the last turn's answer is committed; fails when no such part will come any more. */
async function partialAnswer(home: string, running: RunningCli): Promise<void> {
  for (;;) {
    const ended = running.hasEnded();
    const last = (await show(home)).turns.at(-1);
    if (last?.user === long && last.answer !== "") return;
    if (ended) assert.fail(`it ended before it had answered anything: ${(await running.result).stderr}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
