import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import * as path from "node:path";
import * as vscode from "vscode";
import { commands, settings } from "../../src/extension/contributions";
import type { AgentSummary, ModelDeletion, ModelSummary } from "../../src/protocol/service";
import { FakeHub } from "../support/models/hub/fakeHub";
import { fakeModel } from "../support/models/hub/hubRig";
import { ask, newAgent, run, runRefused } from "./support";

const name = "maker/Model-4bit";

describe("models from the hub", () => {
  let hub: FakeHub;

  before(async () => {
    hub = await FakeHub.start();
    const { files } = fakeModel(name, 100_000);
    const { "model-00001-of-00002.safetensors": weights = "", "model-00002-of-00002.safetensors": _, ...rest } = files;
    hub.add({ name, files: { ...rest, "model.safetensors": weights }, large: ["model.safetensors"], gated: true });
    await setEndpoint(hub.url);
  });

  after(async () => {
    await setEndpoint(undefined);
    await hub.stop();
  });

  it("need what their makers ask for; the token is kept and goes to the hub alone", async () => {
    assert.deepEqual(await run(commands.setHubToken, { token: "" }), { hasToken: false });
    const { code, advice } = await runRefused(commands.getModel, { name });
    assert.equal(code, "HUB_DENIED");
    assert.match(advice, /Set Hub Token/);
    assert.deepEqual(await run(commands.setHubToken, { token: " hf_secret " }), { hasToken: true });
    const model = await run<ModelSummary>(commands.getModel, { name });
    assert.equal(path.basename(model.directory), "Model-4bit");
    const told = hub.requests.filter(({ authorization }) => authorization === "Bearer hf_secret");
    assert.ok(told.length > 0 && told.every(({ host }) => host === "hub"));
    const { freedBytes } = await run<ModelDeletion>(commands.deleteModel, { directory: model.directory, sure: true });
    assert.ok(freedBytes > 50_000 && !existsSync(model.directory));
    await run(commands.setHubToken, { token: "" });
  });

  it("are refused by name when the hub has no such model", async () => {
    const { code, what } = await runRefused(commands.getModel, { name: "maker/None" });
    assert.equal(code, "MODEL_NOT_FOUND");
    assert.match(what, /maker\/None/);
  });

  it("are offered in a list that closes when the person changes their mind", async () => {
    let isOpen = true;
    const asked = Promise.resolve(vscode.commands.executeCommand(commands.getModel)).finally(() => {
      isOpen = false;
    });
    // Nothing says when the list is there: closing what is not open does nothing.
    while (isOpen) {
      await vscode.commands.executeCommand("workbench.action.closeQuickOpen");
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.equal(await asked, undefined);
  });
});

describe("an agent that goes on with another model", () => {
  it("is a copy with its texts; the agent stays", async () => {
    const { id, modelDirectory } = await newAgent("Before");
    const { text } = await ask("Before", "Name a colour.");
    const copy = await run<AgentSummary>(commands.useOtherModel, {
      agent: id,
      model: modelDirectory,
      name: "After",
      background: true,
    });
    assert.deepEqual([copy.name, copy.turnCount, copy.tokens], ["After", 1, 0]);
    const { figures } = await ask("After", "And another.");
    assert.ok(figures.promptTokens > text.length / 10);
    const { code } = await runRefused(commands.useOtherModel, { agent: id, model: "/nowhere", name: "Third" });
    assert.equal(code, "MODEL_NOT_FOUND");
  });
});

async function setEndpoint(url: string | undefined): Promise<void> {
  await vscode.workspace.getConfiguration().update(settings.hubEndpoint, url, vscode.ConfigurationTarget.Global);
}
