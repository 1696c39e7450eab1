import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import * as vscode from "vscode";
import type { AskResult } from "../../src/extension/agents/agentCommands";
import { commands, settings } from "../../src/extension/contributions";
import type { AgentSummary } from "../../src/protocol/service";
import { ask, chatTabs, closeEditors, newAgent, run, runRefused, until } from "./support";

describe("agents", () => {
  afterEach(closeEditors);

  it("open a chat panel under their name", async () => {
    await run<AgentSummary>(commands.newAgent, { name: "Ada" });
    await until("Ada's panel is open", () => chatTabs().includes("Ada"));
    await run<AgentSummary>(commands.openAgent, { agent: "Ada" });
    assert.deepEqual(chatTabs(), ["Ada"]);
  });

  it("read only what is new with each turn", async () => {
    await newAgent("Brian");
    const first = await ask("Brian", "My name is Brian.");
    assert.equal(first.figures.reusedTokens, 0);
    const second = await ask("Brian", "What is my name?");
    assert(second.figures.reusedTokens >= first.figures.promptTokens);
    assert(second.figures.prefilledTokens < first.figures.promptTokens);
    assert.equal(second.figures.cache.tier, "hot");
  });

  it("answer side by side, each as it answers alone", async () => {
    const questions = ["Name a colour.", "Name an animal that lives in the sea."];
    for (const name of ["Alone 1", "Alone 2", "Together 1", "Together 2"]) await newAgent(name);
    const alone: AskResult[] = [];
    for (const [index, text] of questions.entries()) alone.push(await ask(`Alone ${index + 1}`, text));
    const together = await Promise.all(questions.map((text, index) => ask(`Together ${index + 1}`, text)));
    assert.deepEqual(
      together.map(({ text }) => text),
      alone.map(({ text }) => text),
    );
  });

  it("have a sampling of their own: it goes before the settings and behind what a command says", async () => {
    const settingsOf = vscode.workspace.getConfiguration();
    const generated = async (agent: string, more: object = {}) => {
      const argument = { agent, text: "Count from one to twenty.", background: true, ...more };
      return (await run<AskResult>(commands.askAgent, argument)).figures.generatedTokens;
    };
    await newAgent("Particular");
    await newAgent("Ordinary");
    const own = { maxTokens: 3, topP: 0.5 };
    const changed = await run<AgentSummary>(commands.agentSampling, { agent: "Particular", sampling: own });
    assert.deepEqual(changed.sampling, own);
    assert.equal(await generated("Particular"), 3);
    assert.deepEqual((await newAgent("Just as particular", { like: "Particular" })).sampling, own);
    assert.equal(await generated("Particular", { maxTokens: 4 }), 4);
    assert.equal(await generated("Ordinary"), 12, "the setting of these tests");
    await settingsOf.update(settings.answersMaxTokens, 5, vscode.ConfigurationTarget.Global);
    try {
      assert.deepEqual([await generated("Ordinary"), await generated("Particular")], [5, 3]);
    } finally {
      await settingsOf.update(settings.answersMaxTokens, 12, vscode.ConfigurationTarget.Global);
    }
    const wrong = { agent: "Ordinary", sampling: { temperature: -1 } };
    assert.equal((await runRefused(commands.agentSampling, wrong)).code, "INVALID_REQUEST");
  });

  it("stop when they are told to, and keep what was said", async () => {
    const { id } = await newAgent("Stopped");
    const asking = ask("Stopped", "Write a long story about the sea.", { maxTokens: 500 });
    // Until the turn runs there is nothing to stop.
    const stopping = setInterval(() => void run(commands.stopAgent, { agent: id }), 500);
    const { finishReason, figures } = await asking.finally(() => clearInterval(stopping));
    assert.equal(finishReason, "aborted");
    assert(figures.generatedTokens < 500);
  });

  it("have a conversation that can be copied and exported as Markdown", async () => {
    await newAgent("Exported");
    const { text } = await ask("Exported", "Name a colour.");
    const copied = await run<string>(commands.copyConversation, { agent: "Exported" });
    assert.equal(await vscode.env.clipboard.readText(), copied);
    assert.match(copied, /^# Exported\n.*## Turn 1\n\n> Name a colour\.\n/s);
    assert(copied.includes(text.trim()));
    assert.doesNotMatch(copied, /tokens reused/);
    const folder = await mkdtemp(path.join(tmpdir(), "resident-export-"));
    try {
      const file = path.join(folder, "exported.md");
      const exported = await run<string>(commands.exportConversation, { agent: "Exported", path: file });
      assert.equal(await readFile(file, "utf8"), exported);
      assert.match(exported, /0 tokens reused · \d+ prefilled/);
    } finally {
      await rm(folder, { recursive: true });
    }
    await newAgent("Silent");
    assert.equal((await runRefused(commands.copyConversation, { agent: "Silent" })).code, "INVALID_REQUEST");
  });

  it("fork with everything that was read", async () => {
    await newAgent("Original");
    const { figures } = await ask("Original", "Remember the word lighthouse.");
    await run<AgentSummary>(commands.forkAgent, { agent: "Original", name: "Copy" });
    const forked = await ask("Copy", "Which word?");
    assert(forked.figures.reusedTokens >= figures.promptTokens);
  });

  it("start over with the last turn alone, and answer from it", async () => {
    const kept = await run<AgentSummary>(commands.keepLastTurns, { agent: "Copy", turns: 1 });
    assert.deepEqual([kept.turnCount, kept.tokens], [1, 0]);
    const { figures } = await ask("Copy", "Thank you.", { maxTokens: 2 });
    assert.equal(figures.promptTokens, figures.reusedTokens + figures.prefilledTokens);
    assert.equal((await run<AgentSummary>(commands.openAgent, { agent: "Copy" })).turnCount, 2);
    assert.equal((await runRefused(commands.keepLastTurns, { agent: "Copy", turns: 9 })).code, "INVALID_REQUEST");
  });

  it("rewind to the start, are renamed and deleted", async () => {
    const { id } = await newAgent("Briefly here");
    await ask(id, "Hello");
    assert.equal((await run<AgentSummary>(commands.rewindAgent, { agent: id, toStart: true })).tokens, 0);
    assert.equal((await run<AgentSummary>(commands.renameAgent, { agent: id, name: "Renamed" })).name, "Renamed");
    await run<AgentSummary>(commands.deleteAgent, { agent: "Renamed", force: true });
    assert.equal((await runRefused(commands.openAgent, { agent: "Renamed" })).code, "AGENT_NOT_FOUND");
  });

  it("answer while the host starts child processes, as VS Code does for git", async () => {
    await newAgent("Busy host");
    let answering = true;
    const asking = ask("Busy host", "Write a long story about a river.", { maxTokens: 12 }).finally(() => {
      answering = false;
    });
    const start = promisify(execFile);
    let started = 0;
    while (answering) {
      await start(process.execPath, ["--version"], { env: { ...process.env, ELECTRON_RUN_AS_NODE: "1" } });
      started++;
    }
    assert((await asking).figures.generatedTokens > 0);
    assert(started > 0);
  });

  it("go on from their saved cache after the engine was restarted", async () => {
    const { figures } = await ask("Brian", "Which letter does it begin with?");
    await run<{ restarted: boolean }>(commands.restartEngine);
    const again = await ask("Brian", "And end with?");
    // "hot" where the panel had read it ahead before the message came.
    assert.notEqual(again.figures.cache.tier, "cold");
    assert(again.figures.reusedTokens >= figures.promptTokens - 1);
  });

  it("are described by Diagnose, with platform, engine and model", async () => {
    const report = await run<string>(commands.diagnose);
    for (const fact of [`${process.platform}-${process.arch}`, "MLX", "SmolLM2-135M-Instruct"]) {
      assert(report.includes(fact), `${fact} is missing in:\n${report}`);
    }
  });

  // The last one: the restarted window finds this agent.
  it("are kept for the next window", async () => {
    await newAgent("Keeper");
    const { figures } = await ask("Keeper", "I live in Lisbon with two cats.");
    assert(figures.promptTokens > 0);
  });
});
