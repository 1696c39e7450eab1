import assert from "node:assert/strict";
import { parseSync } from "oxc-parser";
import * as vscode from "vscode";
import { commands } from "../../src/extension/contributions";
import type { GenerateResult } from "../../src/extension/editor/generateRun";
import { SlowFile } from "./slowFile";
import { briefly, closeEditors, openDocument, run, runRefused, until } from "./support";

/** Room for a function, and always the same one. */
const writing = { maxTokens: 200, temperature: 0 };

const openEditor = (): vscode.TextEditor | undefined => vscode.window.activeTextEditor;

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

  it("writes code into a code file: no fence, at the indentation there, the cursor behind it", async () => {
    const before = "class Numbers {\n  ";
    const after = "\n}\n";
    const editor = await openDocument(before + after, "typescript");
    const { document } = editor;
    const at = document.positionAt(before.length);
    editor.selection = new vscode.Selection(at, at);
    const { text, finishReason } = await run<GenerateResult>(commands.generate, {
      prompt: "Write a method largest that returns the largest number of an array.",
      ...writing,
    });
    assert.equal(document.getText(), before + text + after);
    assert(!/```|~~~/.test(text) && text.trim() !== "", text);
    assert.equal(finishReason, "stop");
    for (const line of text.split("\n").slice(1)) assert.match(line, /^( {2}|$)/);
    assert(editor.selection.isEmpty);
    assert.equal(document.offsetAt(editor.selection.active), before.length + text.length);
  });

  it("makes a file of an instruction that parses", async () => {
    const { document } = await openDocument("", "typescript");
    await run<GenerateResult>(commands.generate, {
      prompt: "Write a TypeScript function largest that returns the largest number of an array.",
      ...writing,
    });
    const { errors, program } = parseSync("app.ts", document.getText());
    assert.deepEqual(errors, [], document.getText());
    assert(program.body.length > 0);
  });

  it("goes on behind what is selected, and leaves nothing selected", async () => {
    const selected = "The capital of France is";
    const editor = await openDocument(selected);
    editor.selection = new vscode.Selection(0, 0, 0, selected.length);
    const { text } = await run<GenerateResult>(commands.generateFromSelection, { action: "continue", ...briefly });
    assert(text.length > 0);
    assert.equal(editor.document.getText(), selected + text);
    assert(editor.selection.isEmpty);
    assert.equal(editor.document.offsetAt(editor.selection.active), selected.length + text.length);
  });

  it("sends the selection as it is, without a template, where that is asked for", async () => {
    const selected = "1, 2, 3, 4, 5, 6,";
    const editor = await openDocument(selected);
    editor.selection = new vscode.Selection(0, 0, 0, selected.length);
    const { text, figures } = await run<GenerateResult>(commands.generateFromSelection, { raw: true, ...briefly });
    assert.equal(editor.document.getText(), selected + text);
    assert(figures.promptTokens <= selected.length);
  });

  it("rewrites the selection in its place, and one undo brings it back", async () => {
    const before = "export function sum(numbers: number[]): number {\n";
    const selected = "  let total = 0;\n  for (const n of numbers) total += n;\n  return total;\n";
    const editor = await openDocument(`${before + selected}}\n`, "typescript");
    const { document } = editor;
    editor.selection = new vscode.Selection(1, 0, 4, 0);
    const { text } = await run<GenerateResult>(commands.generateFromSelection, {
      instruction: "use reduce",
      ...writing,
    });
    assert.equal(document.getText(), `${before}  ${text}\n}\n`);
    assert(!text.includes("```"));
    assert(editor.selection.isEmpty);
    assert.equal(document.offsetAt(editor.selection.active), before.length + 2 + text.length);
    await vscode.commands.executeCommand("undo");
    assert.equal(document.getText(), `${before + selected}}\n`);
  });

  it("explains the selection in a comment above it", async () => {
    const code = "  for (const n of numbers) total += n;\n";
    const editor = await openDocument(code, "typescript");
    editor.selection = new vscode.Selection(0, 2, 0, code.length - 1);
    const { text } = await run<GenerateResult>(commands.generateFromSelection, { action: "explain", ...writing });
    assert.match(text, /^(\/\/ .+\n {2})+$/);
    assert.equal(editor.document.getText(), `  ${text}${code.trimStart()}`);
  });

  it("refuses a selection of white space, and an action that does not exist", async () => {
    const editor = await openDocument("a  b");
    editor.selection = new vscode.Selection(0, 1, 0, 3);
    assert.equal((await runRefused(commands.generateFromSelection, { action: "continue" })).code, "INVALID_REQUEST");
    editor.selection = new vscode.Selection(0, 0, 0, 4);
    assert.equal((await runRefused(commands.generateFromSelection, { action: "erase" })).code, "INVALID_REQUEST");
    assert.equal((await runRefused(commands.generateFromSelection, { action: "rewrite" })).code, "INVALID_REQUEST");
    assert.equal(editor.document.getText(), "a  b");
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

  it("writes into a file that is still being opened, and into no new document", async () => {
    const file = new SlowFile();
    const mounted = vscode.workspace.registerFileSystemProvider(file.uri.scheme, file);
    try {
      void vscode.commands.executeCommand("vscode.open", file.uri);
      await until("the file has a tab", () => vscode.window.tabGroups.activeTabGroup.activeTab?.label === "slow.ts");
      assert.equal(openEditor(), undefined);
      const generating = run<GenerateResult>(commands.generate, { prompt: "Write a constant.", ...briefly });
      file.release();
      const { text, document } = await generating;
      assert.equal(document, file.uri.toString());
      assert.equal(openEditor()?.document.getText(), text);
    } finally {
      await closeEditors();
      mounted.dispose();
    }
  });

  it("refuses a blank prompt and leaves the document alone", async () => {
    const { document } = await openDocument("kept");
    const { code, advice } = await runRefused(commands.generate, { prompt: "  \n" });
    assert.equal(code, "INVALID_REQUEST");
    assert(advice.length > 0);
    assert.equal(document.getText(), "kept");
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
});
