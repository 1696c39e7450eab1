import assert from "node:assert/strict";
import { copyFile, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { decodeManifest, encodeManifest, type Manifest } from "../../../src/store/manifest";
import { emptyEnd, TurnLogWriter } from "../../../src/store/turnLog";
import { AgentRig } from "../../support/agents/agentRig";
import { inFolder } from "../../support/store/fakes";

/** A home with Ada, who has said one thing; her manifest is changed as no damage would change it. */
async function forgedHome(home: string, change: (manifest: Manifest, folder: string) => Promise<Manifest>) {
  const rig = new AgentRig(home);
  const id = await rig.create("Ada");
  await rig.ask(id, "One");
  await rig.agents.close();
  const folder = path.join(home, "agents", id);
  const file = path.join(folder, "manifest.json");
  await writeFile(file, encodeManifest(await change(decodeManifest(await readFile(file)), folder)));
  return { id, folder };
}

describe("an agent whose files are whole and make no sense", () => {
  it("is not continued behind a turn that is not in its log: the log would be spoilt; a repair takes the newest turn", () =>
    inFolder(async (home) => {
      const { id, folder } = await forgedHome(home, async (manifest) => ({ ...manifest, head: "t9" }));
      const log = await readFile(path.join(folder, "turns.log"));
      const rig = new AgentRig(home);
      const refused = { code: "AGENT_CORRUPT", message: /Ada.*t9 is not in its log/ };
      await assert.rejects(rig.agents.send(id, { text: "Two" }), refused);
      assert.deepEqual(await readFile(path.join(folder, "turns.log")), log);
      assert.match((await rig.agents.get(id)).damage?.what ?? "", /t9 is not in its log/);
      assert.equal((await rig.agents.repair(id)).lostRecords, 0);
      await rig.ask(id, "Two");
      assert.deepEqual(
        (await rig.agents.get(id)).turns.map(({ user }) => user),
        ["One", "Two"],
      );
      await rig.agents.close();
    }));

  it("says nothing of what another agent's log in the place of its own says", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const ada = await rig.create("Ada");
      const bob = await rig.create("Bob");
      for (const id of [ada, bob]) await rig.ask(id, `I am ${id}`);
      // Whose a log is stands in its first line, also of one that begins as another's copy.
      const eve = (await rig.agents.fork(bob, "Eve")).id;
      const lines = await readFile(path.join(home, "agents", eve, "turns.log"), "utf8");
      assert.match(lines.slice(0, lines.indexOf("\n")), /"name":"Eve"/);
      await rig.agents.close();
      for (const file of ["turns.log", "tokens.bin"])
        await copyFile(path.join(home, "agents", bob, file), path.join(home, "agents", ada, file));
      const opened = new AgentRig(home);
      const shown = await opened.agents.get(ada);
      assert.deepEqual(shown.turns, []);
      assert.match(shown.damage?.what ?? "", /Ada.*belongs to another agent/);
      await assert.rejects(opened.agents.send(ada, { text: "Two" }), { code: "AGENT_CORRUPT" });
      assert.equal((await opened.agents.repair(ada)).keptTurns, 0);
      assert.deepEqual((await opened.agents.get(ada)).turns, []);
      assert.equal((await opened.agents.get(bob)).turns[0]?.user, `I am ${bob}`);
      await opened.agents.close();
    }));

  it("is refused by its name when a turn is its own parent", () =>
    inFolder(async (home) => {
      const { id } = await forgedHome(home, async (manifest, folder) => {
        const log = new TurnLogWriter(emptyEnd());
        const body = { type: "turn", turn: "t1", parent: "t1", user: "One", at: 1 };
        log.append({ body, tokens: new Int32Array(0) });
        const { turnBytes, committed } = log.pending();
        await writeFile(path.join(folder, "turns.log"), turnBytes);
        return { ...manifest, logs: committed };
      });
      const rig = new AgentRig(home);
      const refused = { code: "AGENT_CORRUPT", message: /Ada's log cannot be understood.*t1 follows t1/ };
      await assert.rejects(rig.agents.send(id, { text: "Two" }), refused);
      await assert.rejects(rig.agents.fork(id, "Bob"), refused);
      await rig.agents.close();
    }));
});
