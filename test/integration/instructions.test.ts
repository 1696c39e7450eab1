import assert from "node:assert/strict";
import * as vscode from "vscode";
import { commands, instructionsScheme } from "../../src/extension/contributions";
import type { AgentSummary } from "../../src/protocol/service";
import { ask, closeEditors, newAgent, run, until } from "./support";

const lines = "You are a helpful guide.\n\n* Answer briefly.\n* Name your source.\n";

/** Opens an agent's instructions as the command does. */
async function open(agent: string): Promise<vscode.TextEditor> {
  await run<AgentSummary>(commands.editInstructions, { agent });
  const editor = vscode.window.activeTextEditor;
  assert(editor, "no editor is open");
  assert.equal(editor.document.uri.scheme, instructionsScheme);
  return editor;
}

function instructionTabs(): readonly vscode.Tab[] {
  return vscode.window.tabGroups.all
    .flatMap((group) => group.tabs)
    .filter(({ input }) => input instanceof vscode.TabInputText && input.uri.scheme === instructionsScheme);
}

async function write(editor: vscode.TextEditor, text: string): Promise<void> {
  const { document } = editor;
  const all = new vscode.Range(0, 0, document.lineCount, 0);
  assert(await editor.edit((edit) => edit.replace(all, text)));
}

/** What the core has, read anew. */
async function stored({ document }: vscode.TextEditor): Promise<string> {
  return new TextDecoder().decode(await vscode.workspace.fs.readFile(document.uri));
}

async function lens({ document }: vscode.TextEditor): Promise<string> {
  const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>(
    "vscode.executeCodeLensProvider",
    document.uri,
    10,
  );
  return lenses.map(({ command }) => command?.title ?? "").join(" | ");
}

describe("instructions in an editor", () => {
  afterEach(closeEditors);

  it("are a document of many lines under the agent's name, and are set when it is saved", async () => {
    await newAgent("Guide / 1", { system: "You are a guide." });
    const editor = await open("Guide / 1");
    const { document } = editor;
    assert.equal(document.getText(), "You are a guide.");
    await until("it is Markdown", () => document.languageId === "markdown");
    assert.deepEqual(
      instructionTabs().map(({ label }) => label),
      ["Instructions of Guide 1"],
    );
    await write(editor, lines);
    assert.match(await lens(editor), /not saved/);
    assert(await document.save());
    assert.equal(document.isDirty, false);
    assert.equal(await stored(editor), lines);
    assert.match(await lens(editor), /^[\d,]+ (tokens|characters) \| Open Chat$/);
    await open("Guide / 1");
    assert.equal(instructionTabs().length, 1);
  });

  it("say that the conversation is read again, until it is", async () => {
    const { id } = await newAgent("Reader", { system: "You are a guide." });
    await ask(id, "Hello");
    const editor = await open(id);
    assert.match(await lens(editor), /^\d+ (tokens|characters) \|/);
    await write(editor, lines);
    assert(await editor.document.save());
    await until("the line says what the save does", async () =>
      /saved: the next message reads/.test(await lens(editor)),
    );
    const { figures } = await ask(id, "Hello again");
    assert(figures.prefilledTokens > figures.reusedTokens, "the instructions come first, and are new");
    await until("the line says it no more", async () => /^\d+ (tokens|characters) \|/.test(await lens(editor)));
  });

  it("stay unsaved while the agent answers", async () => {
    const { id } = await newAgent("Busy");
    const editor = await open(id);
    await write(editor, lines);
    const asking = ask(id, "Write a long story about the sea.", { maxTokens: 500 });
    try {
      await until("it answers", async () => {
        const { state } = await run<AgentSummary>(commands.unpinAgent, { agent: id });
        return state === "answering";
      });
      assert.equal(await editor.document.save(), false);
      assert(editor.document.isDirty);
      assert.equal(editor.document.getText(), lines);
    } finally {
      await run(commands.stopAgent, { agent: id });
      await asking;
    }
    assert(await editor.document.save());
    assert.equal(await stored(editor), lines);
  });

  it("are not written over what somebody else set meanwhile", async () => {
    const { id } = await newAgent("Two writers");
    const editor = await open(id);
    await write(editor, lines);
    await run<AgentSummary>(commands.editInstructions, { agent: id, system: "Set by a command." });
    assert.equal(await editor.document.save(), false);
    assert.equal(editor.document.getText(), lines);
    assert.equal(await stored(editor), "Set by a command.");
  });

  it("follow what somebody else sets, and close with their agent", async () => {
    const { id } = await newAgent("Changed elsewhere");
    const { document } = await open(id);
    await run<AgentSummary>(commands.editInstructions, { agent: id, system: "Set by a command." });
    await until("the editor shows it", () => document.getText() === "Set by a command.");
    await run<AgentSummary>(commands.deleteAgent, { agent: id, force: true });
    await until("the tab is closed", () => instructionTabs().length === 0);
  });
});
