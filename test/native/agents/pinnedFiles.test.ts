import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { silentLog } from "../../../src/common/log";
import type { ResidentService } from "../../../src/protocol/service";
import { createResidentService } from "../../../src/service/residentService";
import { attached, file } from "../../support/agents/workspaceFiles";
import { starterModel } from "../../support/models/starterModel";
import { nativeStage } from "../../support/native/coreThread";

const blockTokens = 64;
const code = (name: string, count: number) =>
  Array.from(
    { length: count },
    (_, n) => `/** Gives number ${n} of the ${name}. */\nexport function ${name}${n}(): number {\n  return ${n};\n}\n`,
  ).join("\n");
const files = ["harbour", "quay", "crane"].map((name) => file(`src/${name}.ts`, code(name, 14)));
const [first, second, late] = files;

describe("files in the prompts of agents with the starter model", function () {
  this.timeout(300_000);

  let home: string;
  const open = () =>
    createResidentService(
      {
        ...{ home, starterModel, nativeStage, modelFolders: [], blockTokens },
        ...{ poolBytes: 512 * 2 ** 20, storeQuotaBytes: 2 ** 30, sampling: { temperature: 0, maxTokens: 8 } },
      },
      silentLog,
    );
  const ask = async (service: ResidentService, id: string, text: string) =>
    (await (await service.send(id, { text })).done).figures;

  before(async () => {
    home = await mkdtemp(path.join(os.tmpdir(), "resident files "));
  });

  after(() => rm(home, { recursive: true, force: true }));

  it("are read once: by the first agent, from the first change on, by no second agent, and not after a restart", async () => {
    assert.ok(first && second && late);
    const one = open();
    const ada = await one.createAgent({ name: "Ada", system: "Answer with one word." });
    await one.setPinnedFiles(ada.id, files);
    const read = await one.warmAgent(ada.id);
    assert.ok((read.filesRead?.prefilled ?? 0) > 1200 && read.filesRead?.reused === 0, JSON.stringify(read.filesRead));
    const asked = await ask(one, ada.id, "How many files are there?");
    assert.ok(asked.prefilledTokens < 32, `${asked.prefilledTokens}`);
    const { contextParts, files: listed = [], tokens } = await one.getAgent(ada.id);
    const total = listed.reduce((sum, { tokens: own = 0 }) => sum + own, 0);
    assert.equal(contextParts?.files, total);
    assert.ok(Math.abs((contextParts?.instructions ?? 0) + total - (read.filesRead?.prefilled ?? 0)) < 64);
    assert.ok((contextParts?.conversation ?? 0) > 0 && (contextParts?.conversation ?? 0) < 100 && tokens > total);

    // The same files in the same order: only what no full block holds is read.
    const grace = await one.createAgent({ name: "Grace", system: "Answer with one word." });
    await one.setPinnedFiles(grace.id, files);
    const shared = await one.warmAgent(grace.id);
    assert.ok((shared.filesRead?.prefilled ?? 0) < 2 * blockTokens, JSON.stringify(shared.filesRead));

    // A change near the end of the last file.
    const changed = file(late.path, late.text.replace("return 12;", "return 12 + 1;"));
    await one.setPinnedFiles(ada.id, [first, second, changed]);
    const again = await one.warmAgent(ada.id);
    const lastFile = listed[2]?.tokens ?? 0;
    assert.ok((again.filesRead?.prefilled ?? 0) < 2 * blockTokens, JSON.stringify(again.filesRead));
    assert.ok((again.filesRead?.reused ?? 0) > total - lastFile);
    assert.ok((await ask(one, ada.id, "And now?")).prefilledTokens < 32);
    await one.dispose();

    const other = open();
    const resumed = await ask(other, ada.id, "How many cranes?");
    assert.equal(resumed.cache.tier, "warm");
    assert.equal(resumed.cache.refused, undefined);
    assert.ok(resumed.prefilledTokens < 32, `${resumed.prefilledTokens}`);
    await other.dispose();
  });

  it("are read as soon as they are attached, and leave the message to be read", async () => {
    const service = open();
    const { id } = await service.createAgent({ name: "Alan" });
    const attachments = files.map(({ path: at, text }) => attached(at, text));
    const { hotTokens } = await service.warmAgent(id, "", attachments);
    assert.ok(hotTokens > 1200, `${hotTokens}`);
    const running = await service.send(id, { text: "Which file has cranes?", attachments });
    const { figures } = await running.done;
    assert.ok(figures.prefilledTokens < 32, `${figures.prefilledTokens}`);
    assert.equal(figures.cache.tier, "hot");
    await service.dispose();
  });
});
