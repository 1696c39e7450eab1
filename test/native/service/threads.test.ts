import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { silentLog } from "../../../src/common/log";
import type { ChatMessage } from "../../../src/common/messages";
import type { GenerationEvent, ResidentService } from "../../../src/protocol/service";
import { createResidentService } from "../../../src/service/residentService";
import { starterModel } from "../../support/models/starterModel";
import { nativeStage } from "../../support/native/coreThread";

type Done = Extract<GenerationEvent, { type: "done" }>;

const conversation = "c1";
/** About 1,300 tokens. */
const system: ChatMessage = {
  role: "system",
  content: `You know the harbour of the old town well.\n${"It has a long wall of grey stone, a basin for small boats, and a deep quay with two cranes.\n".repeat(52)}`,
};
const user = (content: string): ChatMessage => ({ role: "user", content });
const said = ({ text }: Done): ChatMessage => ({ role: "assistant", content: text });

describe("another program's conversations with the starter model", function () {
  this.timeout(300_000);

  let home: string;
  const open = () =>
    createResidentService(
      {
        ...{ home, starterModel, nativeStage, modelFolders: [], blockTokens: 64 },
        ...{ poolBytes: 512 * 2 ** 20, storeQuotaBytes: 2 ** 30, sampling: { temperature: 0, maxTokens: 24 } },
      },
      silentLog,
    );
  const chat = (service: ResidentService, messages: readonly ChatMessage[]) =>
    service.chat({ modelDirectory: starterModel, messages, conversation });

  before(async () => {
    home = await mkdtemp(path.join(os.tmpdir(), "resident threads "));
  });

  after(() => rm(home, { recursive: true, force: true }));

  it("reuse what was read, also after a restart and at once; counts agree; a stopped one leaves the device idle", async () => {
    const messages = [system, user("How many cranes are there?")];
    const one = open();
    const first = await chat(one, messages).done;
    assert.equal(first.figures.reusedTokens, 0);
    assert.deepEqual(await one.countTokens(starterModel, [messages]), [first.figures.promptTokens]);
    const next = [...messages, said(first), user("And how many basins?")];
    const [left, right] = await Promise.all([
      chat(one, next).done,
      chat(one, [...messages, said(first), user("Which colour has the wall?")]).done,
    ]);
    const before = first.figures.promptTokens + first.tokenIds.length - 1;
    for (const { figures } of [left, right]) assert.ok(figures.reusedTokens >= before - 1);
    await one.dispose();

    const other = open();
    const resumed = await chat(other, [...next, said(left), user("Thank you.")]).done;
    const { figures } = resumed;
    assert.equal(figures.cache.tier, "warm");
    assert.equal(figures.cache.refused, undefined);
    assert.ok(figures.reusedTokens >= left.figures.promptTokens + left.tokenIds.length - 2);
    assert.ok(figures.reusedTokens >= 0.95 * figures.promptTokens);
    assert.equal(figures.departure, undefined);

    const running = chat(other, [...next, user("Write a long story about the cranes.")]);
    const begun = new Promise<void>((resolve) => {
      running.onEvent(({ type }) => {
        if (type === "text") resolve();
      });
    });
    await begun;
    running.abort();
    assert.equal((await running.done).finishReason, "aborted");
    const { metrics, threads } = await other.status();
    assert.deepEqual([metrics.numRequestsRunning, metrics.numRequestsWaiting], [0, 0]);
    assert.ok(threads.bytes > 0);
    await other.dispose();
  });

  it("are answered as without a cache", async () => {
    const one = open();
    const messages = [system, user("How many cranes are there?")];
    const restored = await chat(one, messages).done;
    assert.ok(restored.figures.reusedTokens > 0);
    await one.forgetEverything();
    await one.unloadModel();
    const fresh = await chat(one, messages).done;
    assert.equal(fresh.figures.reusedTokens, 0);
    assert.deepEqual(fresh.tokenIds, restored.tokenIds);
    await one.dispose();
  });

  it("offer the model with limits that hold, and refuse what is longer with both numbers", async () => {
    const one = open();
    const [model] = await one.chatModels();
    await chat(one, [user("Hello")]).done;
    const [loaded] = await one.chatModels();
    assert.deepEqual(loaded, model);
    assert.deepEqual([loaded?.maxInputTokens, loaded?.maxOutputTokens], [6144, 2048]);
    assert.equal(loaded?.takesTools, false);
    await assert.rejects(chat(one, [user("a long story ".repeat(4000))]).done, {
      code: "CONTEXT_FULL",
      message: /1\d,\d\d\d tokens long .* 8,192/,
    });
    await one.dispose();
  });
});
