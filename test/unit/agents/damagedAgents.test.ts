import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { cp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { AgentRig } from "../../support/agents/agentRig";
import { withFailingCalls } from "../../support/store/failingCalls";
import { inFolder } from "../../support/store/fakes";
import { place, placed } from "../../support/store/placed";

/** A home with Ada, who has said three things, and Bob; nobody has it open. */
async function homeOf(home: string): Promise<{ readonly id: string; readonly folder: string }> {
  const rig = new AgentRig(home);
  const id = await rig.create("Ada", "Be brief.");
  for (const text of ["One", "Two", "Three"]) await rig.ask(id, text);
  await rig.create("Bob");
  await rig.agents.close();
  return { id, folder: path.join(home, "agents", id) };
}

const agentFolders = async (home: string) =>
  (await readdir(path.join(home, "agents"))).filter((name) => !name.startsWith(".")).sort();

const users = ["One", "Two", "Three"];

describe("an agent whose manifest is damaged", function () {
  this.timeout(60_000);

  /** Every way of damaging it by bytes, by its name; the file's bytes afterwards. */
  const damages = (bytes: Buffer): ReadonlyMap<string, Buffer> => {
    const all = new Map<string, Buffer>();
    for (let part = 0; part < 32; part += 1) {
      const at = Math.floor((part * bytes.length) / 32);
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(at) ^ 0x15, at);
      all.set(`byte ${at} changed`, changed);
    }
    for (let part = 0; part < 16; part += 1) {
      const length = Math.floor((part * bytes.length) / 16);
      all.set(`cut to ${length} bytes`, bytes.subarray(0, length));
    }
    all.set("zeros", Buffer.alloc(bytes.length));
    all.set("deeply nested", Buffer.from("[".repeat(3_000_000)));
    all.set("JSON of another kind", Buffer.from('{"checksum":"","body":"{}"}'));
    return all;
  };

  /** It is refused by name, nothing is made in its place, the others go on, and the repair brings everything back. */
  const assertRefusedAndRepaired = async (home: string, id: string, what: string) => {
    const rig = new AgentRig(home);
    const before = await agentFolders(home);
    const found = await rig.agents.find("Ada");
    assert.deepEqual([found?.id, found?.damage?.code], [id, "AGENT_CORRUPT"], what);
    assert.match(found?.damage?.what ?? "", /Ada.*turn log.*token ids/, what);
    await assert.rejects(rig.agents.send(id, { text: "Four" }), { code: "AGENT_CORRUPT" }, what);
    await assert.rejects(rig.agents.create({ name: "Ada" }), { code: "AGENT_CORRUPT" }, what);
    assert.deepEqual(await agentFolders(home), before, what);
    const shown = await rig.agents.get(id);
    assert.deepEqual(
      [shown.name, shown.system, shown.turns.map(({ user }) => user)],
      ["Ada", "Be brief.", users],
      what,
    );
    assert.equal((await rig.agents.find("Bob"))?.damage, undefined, what);
    const repaired = await rig.agents.repair(id);
    assert.deepEqual([repaired.name, repaired.keptTurns, repaired.lostRecords], ["Ada", 3, 0], what);
    const detail = await rig.agents.get(id);
    assert.equal(detail.damage, undefined, what);
    assert.deepEqual(
      [detail.system, detail.turns.map(({ user, state }) => [user, state])],
      ["Be brief.", users.map((user) => [user, "done"])],
      what,
    );
    assert.equal((await rig.agents.list()).length, 2, what);
    return rig;
  };

  it("is refused by its name, shown and repaired, whichever bytes were damaged", () =>
    inFolder(async (home) => {
      const { id, folder } = await homeOf(home);
      const file = path.join(folder, "manifest.json");
      const bytes = await readFile(file);
      const { tokens } = await new AgentRig(home).agents.get(id);
      let refused = 0;
      for (const [what, damaged] of damages(bytes)) {
        for (const name of await readdir(folder)) if (name.includes(".damaged-")) await rm(path.join(folder, name));
        await writeFile(file, damaged);
        const rig = await assertRefusedAndRepaired(home, id, what);
        assert.equal((await rig.agents.get(id)).tokens, tokens);
        refused += 1;
      }
      assert.ok(refused >= 40, `${refused}`);
      // What it had read is found again by its contents, and what it says next is saved like anything else.
      const rig = new AgentRig(home);
      const { figures } = await rig.ask(id, "Four");
      assert.ok(figures.reusedTokens > 0);
      assert.equal(figures.cache.tier, "warm");
    }));

  for (const what of Object.keys(placed)) {
    it(`is refused by its name, shown and repaired when ${what} is in its place`, () =>
      inFolder(async (home) => {
        const { id, folder } = await homeOf(home);
        await place(what, path.join(folder, "manifest.json"));
        await assertRefusedAndRepaired(home, id, what);
      }));
  }

  it("keeps the damaged file next to the new one, and is repaired only where something is damaged", () =>
    inFolder(async (home) => {
      const { id, folder } = await homeOf(home);
      const file = path.join(folder, "manifest.json");
      const bytes = await readFile(file);
      const rig = new AgentRig(home);
      const whole = await rig.agents.repair(id);
      assert.deepEqual([whole.wasWhole, whole.keptFiles], [true, []]);
      assert.deepEqual(await readFile(file), bytes);
      await writeFile(file, "damaged");
      const { wasWhole, keptFiles, damages: named } = await rig.agents.repair(id);
      assert.equal(wasWhole, false);
      assert.match(named[0] ?? "", /manifest/);
      assert.equal(await readFile(keptFiles[0] ?? "", "utf8"), "damaged");
    }));

  it("whose identity climbs out of the home, or is another's, is damaged and stays where it is", () =>
    inFolder(async (home) => {
      const { id, folder } = await homeOf(home);
      const rig = new AgentRig(home);
      const { writer, stored } = await rig.store.open(id);
      await writer.close();
      for (const other of ["../x", "/etc/passwd", "0123456789abcdef", ""]) {
        const body = JSON.stringify({ format: 1, ...stored.manifest, id: other });
        const checksum = createHash("sha256").update(body).digest("hex");
        await writeFile(path.join(folder, "manifest.json"), JSON.stringify({ checksum, body }));
        await assertRefusedAndRepaired(home, id, `id ${other}`);
      }
    }));

  it("is deleted like any other, by its name", () =>
    inFolder(async (home) => {
      const { folder } = await homeOf(home);
      await rm(path.join(folder, "manifest.json"));
      const rig = new AgentRig(home);
      await rig.agents.delete((await rig.agents.find("Ada"))?.id ?? assert.fail());
      assert.deepEqual(
        (await rig.agents.list()).map(({ name }) => name),
        ["Bob"],
      );
      await rig.create("Ada");
    }));

  it("is found under the name that it was given last", () =>
    inFolder(async (home) => {
      const { id, folder } = await homeOf(home);
      const first = new AgentRig(home);
      await first.agents.rename(id, "Cleo");
      await first.agents.close();
      await rm(path.join(folder, "manifest.json"));
      const rig = new AgentRig(home);
      assert.equal((await rig.agents.find("Cleo"))?.id, id);
      assert.equal(await rig.agents.find("Ada"), undefined);
      assert.equal((await rig.agents.repair(id)).name, "Cleo");
    }));

  it("has its instructions, its pin and its sampling again, as they were last", () =>
    inFolder(async (home) => {
      const { id, folder } = await homeOf(home);
      const first = new AgentRig(home);
      await first.agents.setSystem(id, "Be kind.");
      await first.agents.pin(id, true);
      await first.agents.setSampling(id, { temperature: 0.5, topP: 0.9 });
      await first.agents.close();
      await rm(path.join(folder, "manifest.json"));
      const rig = new AgentRig(home);
      await rig.agents.repair(id);
      const { system, pinned, sampling } = await rig.agents.get(id);
      assert.deepEqual([system, pinned, sampling], ["Be kind.", true, { temperature: 0.5, topP: 0.9 }]);
    }));

  it("gets a free name where its own was given away, or nothing says what it was", () =>
    inFolder(async (home) => {
      const { id, folder } = await homeOf(home);
      await rm(path.join(folder, "turns.log"));
      await writeFile(path.join(folder, "manifest.json"), "");
      const rig = new AgentRig(home);
      await assert.rejects(rig.agents.find("Ada"), { code: "AGENT_CORRUPT" });
      await assert.rejects(rig.agents.create({ name: "Ada" }), { code: "AGENT_CORRUPT" });
      assert.equal((await rig.agents.find("Bob"))?.name, "Bob");
      const made = await rig.agents.create({ name: "Ada", allowUnreadable: true });
      assert.equal(made.name, "Ada");
      const { name, keptTurns } = await rig.agents.repair(id);
      assert.match(name, /^repaired /);
      assert.equal(keptTurns, 0);
      await rig.ask(id, "Who am I?");
    }));
});

describe("an agent that could not be looked at", function () {
  this.timeout(20_000);

  for (const code of ["EIO", "EACCES", "EMFILE", "ENOMEM"]) {
    it(`is neither absent nor made anew when a call fails with ${code}`, () =>
      inFolder(async (home) => {
        const { folder } = await homeOf(home);
        const before = await agentFolders(home);
        let failed = 0;
        for (const call of ["open", "stat"] as const) {
          const rig = new AgentRig(home);
          let left = 1;
          const isManifest = (file: string) => file === path.join(folder, "manifest.json");
          const once = (of: string, file: string) => of === call && isManifest(file) && left-- > 0;
          failed += await withFailingCalls(code, once, async () => {
            await assert.rejects(rig.agents.find("Ada"), { code: "IO_FAILURE" });
          });
          left = 1;
          failed += await withFailingCalls(code, once, async () => {
            await assert.rejects(rig.agents.create({ name: "Ada" }), { code: "IO_FAILURE" });
          });
          assert.equal((await rig.agents.find("Ada"))?.name, "Ada");
        }
        assert.equal(failed, 4);
        assert.deepEqual(await agentFolders(home), before);
      }));
  }

  it("is not repaired: its manifest may be whole", () =>
    inFolder(async (home) => {
      const { id, folder } = await homeOf(home);
      const bytes = await readFile(path.join(folder, "manifest.json"));
      const rig = new AgentRig(home);
      const isManifest = (_: string, file: string) => file === path.join(folder, "manifest.json");
      await withFailingCalls("EIO", isManifest, async () => {
        await assert.rejects(rig.agents.repair(id), { code: "IO_FAILURE" });
      });
      assert.deepEqual(await readFile(path.join(folder, "manifest.json")), bytes);
    }));

  it("does not hide a home whose folder cannot be read", () =>
    inFolder(async (home) => {
      await homeOf(home);
      const rig = new AgentRig(home);
      await withFailingCalls(
        "EIO",
        (call) => call === "readdir",
        async () => {
          await assert.rejects(rig.agents.find("Ada"), { code: "IO_FAILURE" });
          await assert.rejects(rig.agents.create({ name: "Ada" }), { code: "IO_FAILURE" });
        },
      );
    }));
});

describe("a turn log with one damaged record", function () {
  this.timeout(60_000);

  it("keeps every turn up to the damage, says what is lost, and goes on from there", () =>
    inFolder(async (home) => {
      const { id, folder } = await homeOf(home);
      const [logFile, manifestFile] = [path.join(folder, "turns.log"), path.join(folder, "manifest.json")];
      const tokensFile = path.join(folder, "tokens.bin");
      const [log, manifest, tokens] = [
        await readFile(logFile),
        await readFile(manifestFile),
        await readFile(tokensFile),
      ];
      const lines = log.toString("utf8").split("\n").slice(0, -1);
      let position = 0;
      let turnsBefore = 0;
      for (const [index, line] of lines.entries()) {
        const damaged = Buffer.from(log);
        const at = position + Math.floor(line.length / 2);
        damaged.writeUInt8(damaged.readUInt8(at) ^ 1, at);
        await writeFile(logFile, damaged);
        await writeFile(manifestFile, manifest);
        await writeFile(tokensFile, tokens);
        const rig = new AgentRig(home);
        const shown = await rig.agents.get(id);
        assert.equal(shown.damage?.code, "AGENT_CORRUPT");
        assert.deepEqual(await rig.agents.damaged(), [id]);
        await assert.rejects(rig.agents.send(id, { text: "Four" }), { code: "AGENT_CORRUPT" });
        const repaired = await rig.agents.repair(id);
        if (index === 0) {
          // It said who the agent is, which the manifest says too.
          assert.deepEqual([repaired.keptTurns, repaired.lostRecords], [3, 0]);
        } else {
          assert.equal(repaired.keptTurns, turnsBefore, `line ${index + 1}`);
          assert.equal(repaired.lostRecords, lines.length - index);
          assert.equal(repaired.lostFrom?.byte, position);
          assert.ok(repaired.lostTurns + turnsBefore <= 3);
        }
        assert.equal(repaired.keptFiles.length, 2);
        assert.deepEqual(await readFile(repaired.keptFiles.find((name) => name.includes("turns")) ?? ""), damaged);
        for (const file of repaired.keptFiles) await rm(file);
        const detail = await rig.agents.get(id);
        assert.equal(detail.damage, undefined);
        assert.deepEqual(
          detail.turns.map(({ user }) => user),
          users.slice(0, repaired.keptTurns),
        );
        if (index % 4 === 1) {
          await rig.ask(id, "Go on");
          await rig.agents.close();
          const { turns } = await new AgentRig(home).agents.get(id);
          assert.deepEqual(
            turns.map(({ user }) => user),
            [...users.slice(0, repaired.keptTurns), "Go on"],
          );
        }
        if (line.includes('"type":"turn"')) turnsBefore += 1;
        position += Buffer.byteLength(line) + 1;
      }
      assert.ok(lines.length > 8);
    }));

  it("keeps what is before damaged tokens", () =>
    inFolder(async (home) => {
      const { id, folder } = await homeOf(home);
      const file = path.join(folder, "tokens.bin");
      const tokens = await readFile(file);
      tokens.writeUInt8(tokens.readUInt8(tokens.length - 3) ^ 1, tokens.length - 3);
      await writeFile(file, tokens);
      const rig = new AgentRig(home);
      const { keptTurns, damages } = await rig.agents.repair(id);
      assert.equal(keptTurns, 3);
      assert.match(damages[0] ?? "", /tokens.bin/);
      assert.equal((await rig.lastTurn(id)).state, "interrupted");
      await rig.ask(id, "Go on");
    }));

  it("and with a damaged manifest keeps as much", () =>
    inFolder(async (home) => {
      const { id, folder } = await homeOf(home);
      const file = path.join(folder, "turns.log");
      const log = await readFile(file);
      const third = log.indexOf('"user":"Three"');
      log.writeUInt8(log.readUInt8(third + 9) ^ 1, third + 9);
      await writeFile(file, log);
      await rm(path.join(folder, "manifest.json"));
      const rig = new AgentRig(home);
      assert.equal((await rig.agents.get(id)).turns.length, 2);
      const { keptTurns, lostRecords, name } = await rig.agents.repair(id);
      assert.deepEqual([keptTurns, lostRecords, name], [2, 4, "Ada"]);
      await rig.ask(id, "Go on");
    }));
});

describe("what is found in the place of an agent's file", function () {
  this.timeout(60_000);

  for (const file of ["turns.log", "tokens.bin", "lock"]) {
    it(`${file} is never waited for, hides no other agent, and is repaired`, () =>
      inFolder(async (parent) => {
        const whole = path.join(parent, "whole");
        const { id } = await homeOf(whole);
        for (const what of Object.keys(placed)) {
          // A new home for each: what one repair left is no concern of the next.
          const home = path.join(parent, what);
          await cp(whole, home, { recursive: true });
          await place(what, path.join(home, "agents", id, file));
          const rig = new AgentRig(home);
          const names = (await rig.agents.list()).map(({ name }) => name);
          assert.deepEqual(names, ["Ada", "Bob"], what);
          await rig.agents.get(id);
          await rig.agents.send(id, { text: "Four" }).then(
            (running) => running.done,
            (error) => assert.equal(error.code, "AGENT_CORRUPT", `${what}: ${error}`),
          );
          await rig.agents.close();
          const next = new AgentRig(home);
          await next.agents.repair(id);
          await next.ask(id, "Five");
          await next.agents.delete(id);
          assert.equal((await next.agents.list()).length, 1);
        }
      }));
  }

  it("a folder that was copied under another name is damaged, and becomes an agent of its own", () =>
    inFolder(async (home) => {
      const { folder } = await homeOf(home);
      await cp(folder, path.join(home, "agents", "copied"), { recursive: true });
      const rig = new AgentRig(home);
      assert.equal((await rig.agents.find("copied"))?.damage?.code, "AGENT_CORRUPT");
      assert.equal((await rig.agents.find("Ada"))?.damage, undefined);
      assert.equal((await rig.agents.repair("copied")).name, "Ada 2");
      await rig.ask("copied", "Who am I?");
    }));

  it("an agent that can be written is not repaired, and says so", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      await rig.ask(id, "One");
      await assert.rejects(rig.agents.repair(id), { code: "INVALID_REQUEST", message: /Ada is open here/ });
      assert.deepEqual(
        (await readdir(path.join(home, "agents", id))).filter((name) => name.includes("damaged")),
        [],
      );
      await rig.ask(id, "Two");
    }));

  it("an agent's folder that is renamed away is no agent any more", () =>
    inFolder(async (home) => {
      const { id, folder } = await homeOf(home);
      const rig = new AgentRig(home);
      await rename(folder, path.join(home, "elsewhere"));
      await assert.rejects(rig.agents.get(id), { code: "AGENT_NOT_FOUND" });
      await assert.rejects(rig.agents.repair(id), { code: "AGENT_NOT_FOUND" });
      await assert.rejects(rig.agents.delete(id), { code: "AGENT_NOT_FOUND" });
    }));
});
