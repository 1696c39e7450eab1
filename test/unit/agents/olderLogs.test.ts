import assert from "node:assert/strict";
import { cp, mkdir, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { decodeRecord, encodeRecord } from "../../../src/agents/turnRecords";
import { AgentRig } from "../../support/agents/agentRig";
import { inFolder } from "../../support/store/fakes";

/**
 * An agent as the program wrote it before a turn had steps, and what that program said of it (`detail.json`). It has a
 * branch that was left, thoughts, an answer that was stopped and continued, and a message that did not fit.
 */
const fixture = path.resolve("test/fixtures/agents/beforeSteps");

describe("an agent of an older version", () => {
  async function opened(home: string) {
    const detail = JSON.parse(await readFile(path.join(fixture, "detail.json"), "utf8"));
    const folder = path.join(home, "agents", detail.id);
    await mkdir(path.dirname(folder), { recursive: true });
    await cp(fixture, folder, { recursive: true });
    await rm(path.join(folder, "detail.json"));
    return { detail, rig: new AgentRig(home, { contextTokens: 256 }) };
  }

  it("opens as it is: every turn, figure and branch", () =>
    inFolder(async (home) => {
      const { detail, rig } = await opened(home);
      const read = await rig.agents.get(detail.id);
      assert.deepEqual(JSON.parse(JSON.stringify(read)), detail);
      assert.ok(detail.turns.length > 2 && detail.branches.length > 2);
    }));

  it("has records that this version writes in the same way", () =>
    inFolder(async (home) => {
      const { detail, rig } = await opened(home);
      const { entries } = await rig.store.read(detail.id);
      assert.ok(entries.length > 12);
      for (const entry of entries) {
        const again = encodeRecord(decodeRecord(entry));
        assert.deepEqual({ ...again, body: JSON.parse(JSON.stringify(again.body)) }, { ...again, body: entry.body });
        assert.deepEqual(again.tokens, entry.tokens);
      }
    }));

  it("goes on, and is then read with its new turns", () =>
    inFolder(async (home) => {
      const { detail, rig } = await opened(home);
      await rig.ask(detail.id, "And now?");
      await rig.agents.close();
      const { turns, waitsFor } = await new AgentRig(home).agents.get(detail.id);
      assert.deepEqual(
        turns.map(({ id }) => id),
        [...detail.turns.map(({ id }: { readonly id: string }) => id), turns.at(-1)?.id],
      );
      assert.equal(turns.at(-1)?.user, "And now?");
      assert.equal(waitsFor, undefined);
    }));
});
