import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { type HostPlan, hostSuite } from "../../../src/bench/hostSuite";
import { silentLog } from "../../../src/common/log";
import { openHostWorld } from "../../../src/service/hostWorld";
import { temporaryFolder } from "../../support/models/folders";
import { starterModel } from "../../support/models/starterModel";
import { coreFile, nativeStage } from "../../support/native/coreThread";

const plan: HostPlan = {
  turns: 12,
  tokens: 1800,
  agents: 4,
  pasteBytes: 4096,
  together: 2,
  answerTokens: 8,
  pauses: 2,
  sends: 2,
  lookMs: 300,
};

describe("The host suite", () => {
  const folder = temporaryFolder();
  const signal = new AbortController().signal;
  const open = (): ReturnType<typeof openHostWorld> =>
    openHostWorld({ scratch: folder.path, model: starterModel, nativeStage, coreFile, log: silentLog }, plan, signal);

  it("writes conversations that the core goes on from token by token", async () => {
    const { service, long, others, dispose } = await open();
    try {
      assert.equal(others.length, plan.agents - 1);
      const { tokens, turnCount } = await service.getAgent(long);
      assert.equal(turnCount, plan.turns);
      assert.ok(Math.abs(tokens - plan.tokens) < 0.1 * plan.tokens, `${tokens} tokens`);
      assert.equal((await service.warmAgent(long)).hotTokens, tokens);
      const sampling = { maxTokens: 2, temperature: 0 };
      const { figures } = await (await service.send(long, { text: "And then?", sampling })).done;
      // The last id of the history may be read again with the message.
      assert.ok(figures.reusedTokens >= tokens - 1, `${figures.reusedTokens} of ${tokens}`);
    } finally {
      await dispose();
    }
  });

  it("measures every case, restores from disk, and leaves nothing behind", async () => {
    const told: string[] = [];
    const suite = hostSuite(open, plan);
    const rows = await suite({ onProgress: ({ message }) => told.push(message), signal });
    assert.equal(rows.length, 7);
    for (const row of rows) assert.ok(row.n > 0 && Number.isFinite(row.p99Ms), row.case);
    const restored = rows.find((row) => row.case.endsWith("are restored"));
    assert.ok(Number(restored?.["hotTokens"]) > 0.9 * plan.tokens, JSON.stringify(restored));
    assert.equal(rows.at(-1)?.n, plan.sends);
    assert.equal(told.at(-1), "done");
    assert.deepEqual(await readdir(folder.path), []);
  });
});
