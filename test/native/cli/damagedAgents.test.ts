import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { ask, runCli, show } from "../../support/agents/cli";

describe("an agent that is damaged, at the command line", function () {
  this.timeout(300_000);
  let home = "";
  const agentsFolder = () => path.join(home, "agents");
  const agents = (...args: readonly string[]) => runCli(["agents", ...args, "--home", home]);
  const folders = async () => (await readdir(agentsFolder())).filter((name) => !name.startsWith("."));
  const generate = (...more: readonly string[]) =>
    runCli(["generate", "--prompt=And?", "--max-tokens=2", "--pool-mb=64", "--home", home, ...more]);

  before(async () => {
    home = await mkdtemp(path.join(os.tmpdir(), "resident damaged "));
    await ask(home, "Say yes.", 2);
  });
  after(() => rm(home, { recursive: true, force: true }));

  const manifest = async () => path.join(agentsFolder(), (await folders())[0] ?? "", "manifest.json");

  it("is refused by its name, and nothing is made in its place", async () => {
    const before = await folders();
    const bytes = await readFile(await manifest());
    for (const damaged of [bytes.subarray(0, 100), Buffer.alloc(0), undefined]) {
      await rm(await manifest());
      if (damaged !== undefined) await writeFile(await manifest(), damaged);
      const { code, stdout, stderr } = await generate("--agent=ada");
      assert.deepEqual([code, stdout], [1, ""]);
      assert.match(stderr, /^AGENT_CORRUPT: ada cannot be read: .*records.*token ids.*: .*resident agents repair ada/);
      assert.deepEqual(await folders(), before);
    }
    const listed = await agents("list");
    assert.match(listed.stdout, /ada .*damaged/);
    const shown = await show(home);
    assert.deepEqual(
      shown.turns.map(({ user }) => user),
      ["Say yes."],
    );
  });

  it("is repaired by its name and goes on", async () => {
    const { code, stdout, stderr } = await agents("repair", "ada");
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^'ada' is repaired: 1 turns are kept, nothing is lost\n/);
    assert.match((await agents("repair", "ada")).stdout, /^'ada' is whole/);
    await ask(home, "And no.", 2);
    assert.equal((await show(home)).turns.length, 2);
  });

  it("whose name nobody knows stops new agents, unless one is wanted, and is deleted by its id", async () => {
    const id = (await folders())[0] ?? "";
    await rm(await manifest());
    await rm(path.join(agentsFolder(), id, "turns.log"));
    const refused = await generate("--agent=bob");
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /^AGENT_CORRUPT: .*bob.*--new/);
    assert.deepEqual(await folders(), [id]);
    const made = await generate("--agent=bob", "--new");
    assert.equal(made.code, 0, made.stderr);
    assert.equal((await generate("--agent=bob", "--new")).code, 1);
    assert.equal((await generate("--agent=bob")).code, 0);
    const deleted = await agents("delete", id, "--yes");
    assert.equal(deleted.code, 0, deleted.stderr);
    assert.equal((await folders()).length, 1);
    assert.equal((await folders()).includes(id), false);
  });

  it("is made once when twenty processes want it at the same time", async () => {
    const results = await Promise.all(Array.from({ length: 20 }, () => generate("--agent=eve")));
    const refusals = results.filter(({ code }) => code !== 0);
    const codes = new Set(refusals.map(({ stderr }) => stderr.slice(0, stderr.indexOf(":"))));
    // One makes it; the others continue it, find it taken while it is made, or find it locked.
    for (const code of codes) assert.ok(["INVALID_REQUEST", "AGENT_LOCKED"].includes(code), code);
    const { agents: listed }: { readonly agents: readonly { readonly name: string }[] } = JSON.parse(
      (await agents("list", "--json")).stdout,
    );
    assert.equal(listed.filter(({ name }) => name === "eve").length, 1);
  });
});
