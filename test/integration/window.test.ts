import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import * as vscode from "vscode";
import { commands, logScheme } from "../../src/extension/contributions";
import { extensionId, newAgent, run, runRefused, until } from "./support";

/** What is shown of the log, be it a channel or the document in its place. */
function shownLog(): string {
  const shown = vscode.workspace.textDocuments.filter(({ uri }) => ["output", logScheme].includes(uri.scheme));
  return shown.map((document) => document.getText()).join("\n");
}

describe("the log", () => {
  it("shows what was logged, whether this host writes channels or not", async () => {
    const { id } = await newAgent("Logged");
    // The lock of an agent that is not there is refused, and refusals are logged.
    const refused = await runRefused(commands.askAgent, { agent: `${id}-not-there`, text: "Hello", background: true });
    const { shown } = await run<{ readonly shown: string }>(commands.showLog);
    await until(`the ${shown} shows the failure`, () => shownLog().includes(refused.what));
    const [document] = vscode.workspace.textDocuments.filter(({ uri }) => uri.scheme === logScheme);
    assert.equal(document === undefined, shown === "channel");
  });
});

describe("settings", () => {
  it("open where this window shows those of the machine", async () => {
    const editor = await run<{ readonly command: string; readonly query: string }>(commands.openSettings, {
      setting: "resident.store.quotaGB",
    });
    const isRemote = vscode.env.remoteName !== undefined;
    assert.equal(editor.command, `workbench.action.open${isRemote ? "Remote" : ""}Settings`);
    assert.equal(editor.query, `@ext:${extensionId} @id:resident.store.quotaGB`);
  });
});

describe("results of benchmarks", () => {
  it("cannot be exported before there are any, and are not written", async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), "resident-export-"));
    try {
      const file = path.join(folder, "results.json");
      assert.equal((await runRefused(commands.exportBenchmarks, { file })).code, "INVALID_REQUEST");
      await assert.rejects(readFile(file));
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
