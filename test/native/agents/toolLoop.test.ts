import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { silentLog } from "../../../src/common/log";
import type { ToolCall, ToolResult, ToolSpec } from "../../../src/common/tools";
import { readTextFiles } from "../../../src/models/modelDirectory";
import type { AgentId, ResidentService } from "../../../src/protocol/service";
import { createResidentService } from "../../../src/service/residentService";
import { createTextModel, type TextModel } from "../../../src/text/textModel";
import { toolModelFamily, writeToolModel } from "../../support/models/toolModel";
import { nativeStage } from "../../support/native/coreThread";

const readFile: ToolSpec = {
  name: "read_file",
  description: "Reads a file of the workspace.",
  parameters: {
    type: "object",
    properties: { path: { type: "string", enum: ["src/a.ts", "src/b.ts"] } },
    required: ["path"],
  },
};

/** About 300 tokens. */
const system = `You know the workspace.\n${"It has a parser, a printer and a table of names, each in a file of its own.\n".repeat(16)}`;
const lines = (name: string) => Array.from({ length: 20 }, (_, i) => `${i + 1}: const ${name}${i} = ${i};`).join("\n");

/** Tokens of what a round has to read: the result, what stands around it, and the opening of the answer. */
const frameTokens = ({ tokenizer }: TextModel, result: string) =>
  tokenizer.encodeMarked(toolModelFamily.frame(result, "")).length;

describe("an agent that calls tools, on the real device", function () {
  this.timeout(300_000);

  let folder: string;
  let service: ResidentService;
  let text: TextModel;

  before(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), "resident tools "));
    const model = await writeToolModel(path.join(folder, "model"), 4096);
    text = createTextModel(await readTextFiles(model));
    service = createResidentService(
      {
        ...{ home: path.join(folder, "home"), starterModel: model, nativeStage, modelFolders: [], blockTokens: 64 },
        ...{ poolBytes: 256 * 2 ** 20, storeQuotaBytes: 2 ** 30, sampling: { temperature: 0, maxTokens: 48 } },
      },
      silentLog,
    );
  });

  after(async () => {
    await service.dispose(10_000);
    await rm(folder, { recursive: true, force: true });
  });

  /** An agent whose head waits for the results of its first calls. */
  async function caller(name: string): Promise<{ readonly id: AgentId; readonly calls: readonly ToolCall[] }> {
    const { id } = await service.createAgent({ name, system, tools: [readFile] });
    const running = await service.send(id, { text: "Which file has the parser?", toolMode: "required" });
    const { finishReason, calls = [] } = await running.done;
    assert.equal(finishReason, "calls");
    return { id, calls };
  }

  const tokensOf = async (id: AgentId) => (await service.getAgent(id, 0)).tokens;
  const resultsFor = (calls: readonly ToolCall[], result: string): readonly ToolResult[] =>
    calls.map(({ id }) => ({ call: id, text: result }));

  it("reads in each round of a loop the result and the frame around it, and nothing else", async () => {
    let { id, calls } = await caller("Ada");
    for (let round = 0; round < 4; round += 1) {
      assert.equal(calls.length, 1);
      const before = await tokensOf(id);
      const result = lines(`r${round}_`);
      const running = await service.sendResults(id, { results: resultsFor(calls, result), toolMode: "required" });
      const { figures, calls: next = [] } = await running.done;
      assert.equal(figures.promptTokens, before + frameTokens(text, result));
      // The token that was said last was not read when it was said.
      assert.ok(
        figures.prefilledTokens <= frameTokens(text, result) + 1,
        `${figures.prefilledTokens} tokens were read`,
      );
      assert.equal(figures.cache.tier, "hot");
      assert.equal(figures.cache.refused, undefined);
      calls = next;
    }
    const { turns, turnCount } = await service.getAgent(id);
    assert.deepEqual([turns.length, turnCount], [5, 1]);
  });

  it("has read a result before it is sent, where it is known: only the opening of the answer is left", async () => {
    const { id, calls } = await caller("Bea");
    const before = await tokensOf(id);
    const result = lines("known");
    const opened = await service.readAheadResults(id, []);
    assert.ok(opened.hotTokens > before, "what stands before the result is known");
    const results = resultsFor(calls, result);
    const { hotTokens } = await service.readAheadResults(id, results);
    const running = await service.sendResults(id, { results, toolMode: "none" });
    const { figures } = await running.done;
    assert.equal(figures.promptTokens, before + frameTokens(text, result));
    const left = figures.promptTokens - hotTokens;
    // The last token of the result may be another one with what follows it.
    assert.ok(figures.prefilledTokens >= left && figures.prefilledTokens <= left + 1, `${figures.prefilledTokens}`);
    assert.ok(left <= frameTokens(text, ""), `${left} tokens were left`);
  });

  it("has four delegates while it waits: none of its tokens is read again, and it goes on with their answers", async () => {
    const { id, calls } = await caller("Cem");
    const before = await tokensOf(id);
    const delegates = await Promise.all(
      [1, 2, 3, 4].map(() => service.forkAgent(id, "Cem's helper", undefined, { delegateOf: id })),
    );
    assert.equal(new Set(delegates.map(({ name }) => name)).size, 4);
    const running = await Promise.all(
      delegates.map((one, i) => service.send(one.id, { text: `Read file ${i}.`, toolMode: "none" })),
    );
    const answers = await Promise.all(running.map(({ done }) => done));
    for (const [i, { figures }] of answers.entries()) {
      const message = `\n<|im_start|>user\nRead file ${i}.<|im_end|>\n<|im_start|>assistant\n`;
      const withoutResult = toolModelFamily.frame("This was not run.", "").replace("\n<|im_start|>assistant\n", "");
      const added = text.tokenizer.encodeMarked(withoutResult + message).length;
      assert.equal(figures.promptTokens, before + added);
      assert.ok(figures.prefilledTokens <= added + 1, `${figures.prefilledTokens} of ${added}`);
      assert.equal(figures.cache.refused, undefined);
    }
    // Words only: marks of calls in it would be spelt out.
    const result = answers.map(({ tokenIds }, i) => `Helper ${i} said ${tokenIds.length} tokens.`).join("\n");
    const next = await service.sendResults(id, { results: resultsFor(calls, result), toolMode: "none" });
    const { figures } = await next.done;
    assert.equal(figures.promptTokens, before + frameTokens(text, result));
    assert.ok(figures.prefilledTokens <= frameTokens(text, result) + 1);
    await service.deleteAgent(id);
    const names = (await service.listAgents()).map(({ name }) => name);
    assert.ok(names.every((name) => !name.startsWith("Cem")));
  });

  it("takes the chosen one of several answers over and goes on from it without reading it again", async () => {
    const { id } = await service.createAgent({ name: "Dan", system });
    const ways = [1, 2].map(() => service.forkAgent(id, "Dan's way", undefined, { delegateOf: id }));
    const forks = (await Promise.all(ways)).map((fork) => fork.id);
    const asked = [id, ...forks].map((way, i) =>
      service.send(way, {
        ...{ text: "What is a parser?", isOneOfSeveral: true },
        sampling: { temperature: 1, seed: i + 1, maxTokens: 40 },
      }),
    );
    const answers = await Promise.all((await Promise.all(asked)).map(({ done }) => done));
    assert.equal(new Set(answers.map(({ tokenIds }) => tokenIds.join())).size, 3);
    const [first = "", second = ""] = forks;
    await service.adoptBranch(id, first);
    await service.adoptBranch(id, second, { asHead: true });
    for (const fork of forks) await service.deleteAgent(fork);
    const { turns, branches, tokens } = await service.getAgent(id);
    assert.equal(turns[0]?.answer, answers[2]?.text);
    assert.equal(branches.filter(({ isEnd }) => isEnd).length, 3);
    const { figures } = await (await service.send(id, { text: "Go on." })).done;
    assert.ok(figures.reusedTokens >= tokens - 1, `${figures.reusedTokens} of ${tokens}`);
    assert.equal(figures.cache.tier, "hot");
  });

  it("is compacted without reading its conversation again, and goes on behind the summary", async () => {
    const { id, calls } = await caller("Eve");
    const running = await service.sendResults(id, { results: resultsFor(calls, lines("x")), toolMode: "none" });
    await running.done;
    await (await service.send(id, { text: "And the printer?", toolMode: "none" })).done;
    const before = await service.getAgent(id);
    const { turnCount } = await service.compactAgent(id, { turns: 1 });
    assert.equal(turnCount, 2);
    const [summary, kept] = (await service.getAgent(id)).turns;
    assert.deepEqual(summary?.summary, { turns: 1 });
    const { reusedTokens = 0, prefilledTokens = 0, promptTokens = 0 } = summary?.figures ?? {};
    assert.ok(reusedTokens >= before.tokens - 1, `${reusedTokens} of ${before.tokens}`);
    assert.ok(prefilledTokens <= promptTokens - before.tokens + 1);
    assert.equal(kept?.user, "And the printer?");
    const { figures } = await (await service.send(id, { text: "Go on.", toolMode: "none" })).done;
    assert.ok((summary?.figures?.generatedTokens ?? 0) <= before.tokens / 2);
    assert.ok(figures.reusedTokens > 0, "instructions and tools stand in front, and were read before");
  });

  it("is compacted when its context of 4,096 tokens is full, and has room again", async () => {
    const { id, contextTokens } = await service.createAgent({ name: "Fay", system });
    assert.equal(contextTokens, 4096);
    for (const name of ["a", "b", "c"]) {
      const long = `${lines(name)}\n`.repeat(4);
      await (await service.send(id, { text: long, sampling: { maxTokens: 4 } })).done;
    }
    const before = await service.getAgent(id);
    const next = `${lines("d")}\n`.repeat(4);
    assert.ok(before.tokens > 2500, `${before.tokens} tokens`);
    await assert.rejects((await service.send(id, { text: next })).done, { code: "CONTEXT_FULL" });
    const { turnCount } = await service.compactAgent(id, { turns: 1 });
    assert.equal(turnCount, 2);
    const [summary] = (await service.getAgent(id)).turns;
    assert.ok((summary?.figures?.prefilledTokens ?? 0) < 150, `${summary?.figures?.prefilledTokens} tokens were read`);
    const { figures } = await (await service.send(id, { text: next, sampling: { maxTokens: 4 } })).done;
    assert.ok(figures.promptTokens < contextTokens);
    await service.rewindAgent(id, before.turns.at(-1)?.id);
    assert.deepEqual((await service.getAgent(id)).turns, before.turns);
  });
});
