import assert from "node:assert/strict";
import * as vscode from "vscode";
import { commands } from "../../src/extension/contributions";
import type { GenerateResult } from "../../src/extension/editor/generateCommands";
import { briefly, closeEditors, openDocument, run, runRefused, until } from "./support";

describe("generation into a document", () => {
  afterEach(closeEditors);

  it("streams to the cursor, and one undo removes all of it", async () => {
    const before = "# Notes\n\n";
    const { document } = await openDocument(before);
    const lengths: number[] = [];
    const listening = vscode.workspace.onDidChangeTextDocument((event) => {
      if (event.document === document) lengths.push(document.getText().length);
    });
    try {
      const { text, figures } = await run<GenerateResult>(commands.generate, {
        prompt: "Write a long story about the sea.",
        ...briefly,
      });
      assert(text.length > 0);
      assert.equal(document.getText(), before + text);
      assert.equal(figures.promptTokens, figures.reusedTokens + figures.prefilledTokens);
      assert(lengths.length > 1, `the answer came in ${lengths.length} edits`);
    } finally {
      listening.dispose();
    }
    await vscode.commands.executeCommand("undo");
    assert.equal(document.getText(), before);
  });

  it("goes on after what is selected", async () => {
    const editor = await openDocument("The capital of France is");
    editor.selection = new vscode.Selection(0, 0, 0, editor.document.getText().length);
    const { text } = await run<GenerateResult>(commands.generateFromSelection, briefly);
    assert.equal(editor.document.getText(), `The capital of France is\n${text}`);
  });

  it("makes a new document where that is asked for", async () => {
    const { text, document } = await run<GenerateResult>(commands.generate, {
      prompt: "Say hello.",
      newDocument: true,
      ...briefly,
    });
    const made = vscode.workspace.textDocuments.find(({ uri }) => uri.toString() === document);
    assert.equal(made?.getText(), text);
  });

  it("ends when its document is closed, and keeps what came before in the result", async () => {
    const { document } = await openDocument("");
    const generating = run<GenerateResult>(commands.generate, {
      prompt: "Write a long story about the sea.",
      maxTokens: 600,
    });
    await until("the first words are in the document", () => document.getText().length > 0, 30_000);
    await vscode.commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
    const { finishReason, figures } = await generating;
    assert.equal(finishReason, "aborted");
    assert(figures.generatedTokens < 600);
  });

  it("refuses a blank prompt and leaves the document alone", async () => {
    const { document } = await openDocument("kept");
    const { code, advice } = await runRefused(commands.generate, { prompt: "  \n" });
    assert.equal(code, "INVALID_REQUEST");
    assert(advice.length > 0);
    assert.equal(document.getText(), "kept");
  });
});
