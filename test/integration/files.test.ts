import assert from "node:assert/strict";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import * as vscode from "vscode";
import { commands, settings } from "../../src/extension/contributions";
import { digestOf } from "../../src/extension/files/digest";
import type { ChatAttachments } from "../../src/extension/files/fileCommands";
import { refusals } from "../../src/extension/files/fileReading";
import { IgnoredFiles } from "../../src/extension/files/ignoredFiles";
import { WorkspaceFiles } from "../../src/extension/files/workspaceFiles";
import type { PinnedFileState } from "../../src/protocol/chatFiles";
import { ask, closeEditors, newAgent, openDocument, run, runRefused, until } from "./support";

const lines = (name: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${name} has line ${index}.\n`).join("");

function folder(): vscode.Uri {
  return vscode.workspace.workspaceFolders?.[0]?.uri ?? assert.fail("no folder is open");
}

function at(name: string): vscode.Uri {
  return vscode.Uri.joinPath(folder(), name);
}

async function write(name: string, text: string | Uint8Array): Promise<vscode.Uri> {
  await vscode.workspace.fs.writeFile(at(name), typeof text === "string" ? Buffer.from(text) : text);
  return at(name);
}

function attach(agent: string, ...paths: readonly string[]): Promise<ChatAttachments> {
  return run<ChatAttachments>(commands.addToChat, { agent, paths, background: true });
}

function pinned(agent: string, ...paths: readonly string[]): Promise<PinnedFileState> {
  return run<PinnedFileState>(commands.pinFiles, { agent, paths });
}

/** Writes through an editor, as a person does. */
async function save(name: string, text: string): Promise<void> {
  const document = await vscode.workspace.openTextDocument(at(name));
  const edit = new vscode.WorkspaceEdit();
  edit.replace(document.uri, new vscode.Range(0, 0, document.lineCount, 0), text);
  assert(await vscode.workspace.applyEdit(edit));
  assert(await document.save());
}

/** A file system that has `/a.txt`. */
class OneFile implements vscode.FileSystemProvider {
  readonly onDidChangeFile = new vscode.EventEmitter<vscode.FileChangeEvent[]>().event;

  constructor(private readonly text: string) {}

  watch(): vscode.Disposable {
    return new vscode.Disposable(() => {});
  }

  stat(uri: vscode.Uri): vscode.FileStat {
    if (uri.path !== "/a.txt") throw vscode.FileSystemError.FileNotFound(uri);
    return { type: vscode.FileType.File, ctime: 1, mtime: 1, size: this.text.length };
  }

  readFile(): Uint8Array {
    return Buffer.from(this.text);
  }

  readDirectory(): [string, vscode.FileType][] {
    return [["a.txt", vscode.FileType.File]];
  }

  createDirectory(): void {}

  writeFile(): void {}

  delete(): void {}

  rename(): void {}
}

describe("files in a message", () => {
  afterEach(closeEditors);

  it("are a file and a selection, sent with it and read once", async () => {
    const { id } = await newAgent("Attaching");
    const text = lines("The lighthouse", 12);
    const file = await write("lighthouse.txt", text);
    await attach(id, "lighthouse.txt");
    const editor = await vscode.window.showTextDocument(file);
    editor.selection = new vscode.Selection(2, 0, 5, 0);
    const { attachments } = await run<ChatAttachments>(commands.askAboutSelection, { agent: id, background: true });
    const selected = text
      .split(/(?<=\n)/)
      .slice(2, 5)
      .join("");
    assert.deepEqual(
      attachments.map(({ kind, path: name, range, digest, length }) => ({ kind, name, range, digest, length })),
      [
        { kind: "file", name: "lighthouse.txt", range: undefined, digest: digestOf(text), length: text.length },
        {
          ...{ kind: "selection", name: "lighthouse.txt", range: { from: 3, to: 5 } },
          ...{ digest: digestOf(selected), length: selected.length },
        },
      ],
    );
    const first = await ask(id, "What is it about?", { attached: true });
    assert(first.figures.prefilledTokens > 12 * 6, `${first.figures.prefilledTokens} tokens were read`);
    assert.deepEqual((await attach(id)).attachments, [], "they left the draft with the message");
    const second = await ask(id, "Thank you.", { attached: true });
    assert(second.figures.reusedTokens >= first.figures.promptTokens);
    assert(second.figures.prefilledTokens < 40);
  });

  it("are read as they are in the editor, also where that is not saved", async () => {
    const { id } = await newAgent("Dirty");
    await write("dirty.txt", "saved\r\n");
    const editor = await vscode.window.showTextDocument(at("dirty.txt"));
    await editor.edit((edit) => edit.insert(new vscode.Position(0, 0), "not "));
    const [chip] = (await attach(id, "dirty.txt")).attachments;
    assert.equal(chip?.digest, digestOf("not saved\n"));
    const untitled = await openDocument("one\ntwo\nthree\n");
    untitled.selection = new vscode.Selection(1, 1, 1, 3);
    const { attachments } = await run<ChatAttachments>(commands.askAboutSelection, { agent: id, background: true });
    assert.deepEqual([attachments.at(-1)?.digest, attachments.at(-1)?.range], [digestOf("wo"), { from: 2, to: 2 }]);
  });

  it("may be lines of a file, a listing of a folder, and the problems of a file", async () => {
    const { id } = await newAgent("Kinds");
    await write("kinds/a/one.txt", "1\n2\n3\n4\n");
    await write("kinds/two.txt", "2\n");
    const { attachments } = await attach(id, "kinds/a/one.txt:2-3", "kinds");
    const [part, listing] = attachments;
    assert.deepEqual([part?.kind, part?.range, part?.digest], ["selection", { from: 2, to: 3 }, digestOf("2\n3\n")]);
    assert.deepEqual(
      [listing?.kind, listing?.path, listing?.digest],
      ["folder", "kinds", digestOf("a/one.txt\ntwo.txt\n")],
    );
    const problems = vscode.languages.createDiagnosticCollection("resident-test");
    try {
      await vscode.window.showTextDocument(at("kinds/two.txt"));
      problems.set(at("kinds/two.txt"), [
        new vscode.Diagnostic(new vscode.Range(0, 0, 0, 1), "is no word", vscode.DiagnosticSeverity.Warning),
      ]);
      const found = await run<ChatAttachments>(commands.addToChat, { agent: id, what: "problems", background: true });
      const chip = found.attachments.at(-1);
      assert.deepEqual([chip?.kind, chip?.path], ["problems", "kinds/two.txt"]);
      assert.equal(chip?.digest, digestOf("1:1 warning: is no word\n  | 2\n"));
      const fixes = await vscode.commands.executeCommand<vscode.CodeAction[]>(
        "vscode.executeCodeActionProvider",
        ...[at("kinds/two.txt"), new vscode.Range(0, 0, 0, 1)],
      );
      const fix = fixes.find(({ title }) => title === "Add Problem to Chat…")?.command;
      const asked = { ...fix?.arguments?.[0], agent: id, background: true };
      const fixed = await run<ChatAttachments>(commands.addToChat, asked);
      const last = fixed.attachments.at(-1);
      assert.deepEqual([last?.kind, last?.range, last?.digest], ["problems", { from: 1, to: 1 }, chip?.digest]);
    } finally {
      problems.dispose();
    }
    assert.equal((await runRefused(commands.addToChat, { agent: id, what: "thing" })).code, "INVALID_REQUEST");
  });

  it("that cannot be attached are named with the reason, and are not sent", async () => {
    const { id } = await newAgent("Refusing");
    await write(".gitignore", "*.secret\n");
    await write("a.secret", "hidden\n");
    await write("b.bin", new Uint8Array([1, 0, 2]));
    await write("c.png", new Uint8Array([137, 80]));
    await write("d.txt", "");
    await write("e.txt", "x".repeat(1024 * 1024 + 1));
    const refused = await attach(id, "a.secret", "b.bin", "c.png", "d.txt", "e.txt", "never.txt", "kinds/two.txt:9");
    assert.deepEqual(
      refused.attachments.map(({ path: name, problem, length }) => [name, problem, length]),
      [
        ["a.secret", "It is ignored: *.secret in .gitignore. Select its text in an editor to attach it.", 0],
        ["b.bin", refusals.binary, 0],
        ["c.png", refusals.image, 0],
        ["d.txt", refusals.empty, 0],
        ["e.txt", refusals.tooLarge(1024 * 1024 + 1), 0],
        ["never.txt", refusals.missing, 0],
        ["kinds/two.txt", "It has no such lines.", 0],
      ],
    );
    const { figures } = await ask(id, "Hello", { attached: true });
    assert(figures.promptTokens < 60, "nothing of them was sent");
  });

  it("outside the workspace are attached where the person means it", async () => {
    const { id } = await newAgent("Outside");
    const outside = await mkdtemp(path.join(tmpdir(), "resident-outside-"));
    try {
      const file = path.join(outside, "far.txt");
      await writeFile(file, "far away\n");
      await symlink(file, at("link.txt").fsPath);
      const paths = [vscode.Uri.file(file).toString(), "link.txt"];
      const argument = { agent: id, paths, background: true, outside: true };
      const { attachments } = await run<ChatAttachments>(commands.addToChat, argument);
      assert.deepEqual(
        attachments.map(({ path: name, digest }) => [name, digest]),
        [
          [vscode.Uri.file(file).path, digestOf("far away\n")],
          ["link.txt", digestOf("far away\n")],
        ],
      );
    } finally {
      await rm(outside, { recursive: true });
      await rm(at("link.txt").fsPath, { force: true });
    }
  });
});

describe("files of other file systems", () => {
  afterEach(closeEditors);

  it("are attached as those of the disk, and where nobody knows the file system that is said", async () => {
    const { id } = await newAgent("Virtual");
    const text = "from nowhere\n";
    const provider = vscode.workspace.registerFileSystemProvider("resident-test", new OneFile(text), {
      isReadonly: true,
    });
    try {
      const paths = ["resident-test:/a.txt", "resident-other:/a.txt", "resident-test:/b.txt"];
      const argument = { agent: id, paths, background: true, outside: true };
      const { attachments } = await run<ChatAttachments>(commands.addToChat, argument);
      assert.deepEqual(
        attachments.map(({ path: name, digest, problem }) => [name, digest, problem]),
        [
          ["resident-test:/a.txt", digestOf(text), undefined],
          ["resident-other:/a.txt", "", refusals.noFileSystem("resident-other")],
          ["resident-test:/b.txt", "", refusals.missing],
        ],
      );
    } finally {
      provider.dispose();
    }
  });

  it("are documents that were never saved", async () => {
    const { id } = await newAgent("Never saved");
    const { document } = await openDocument("a draft\n");
    const { attachments } = await attach(id, document.uri.toString());
    assert.deepEqual(
      attachments.map(({ digest }) => digest),
      [digestOf("a draft\n")],
    );
  });
});

describe("the files of the workspace", () => {
  it("are found by some letters, without what is ignored or excluded, as soon as they are there", async () => {
    const ignored = new IgnoredFiles();
    const files = new WorkspaceFiles(ignored, (error) => assert.fail(String(error)));
    const found = async (query: string) => (await files.find(query)).map(({ path: name }) => name);
    try {
      await write(".gitignore", "*.secret\nbuilt/\n");
      await write("search/deepThought.ts", "42\n");
      await write("search/deep.secret", "x\n");
      await write("built/deepThought.js", "42\n");
      await write("node_modules/deepThought/index.js", "42\n");
      assert.equal((await found("deepthought"))[0], "search/deepThought.ts");
      assert.deepEqual(
        (await found("deep")).filter((name) => /secret|built|node_modules/.test(name)),
        [],
      );
      assert((await files.find("search")).some((file) => file.path === "search" && file.isFolder));
      await write("search/deeperThought.ts", "43\n");
      await until("the new file is found", async () => (await found("deeper"))[0] === "search/deeperThought.ts");
      await vscode.workspace.fs.delete(at("search/deeperThought.ts"));
      await until("it is gone", async () => !(await found("deeper")).includes("search/deeperThought.ts"));
      await write(".gitignore", "*.secret\nbuilt/\nsearch/\n");
      await until(
        "it is ignored now",
        async () => !(await found("deepthought")).includes("search/deepThought.ts"),
        20_000,
      );
    } finally {
      files.dispose();
      ignored.dispose();
      await write(".gitignore", "*.secret\n");
    }
  });
});

describe("pinned files", () => {
  afterEach(closeEditors);

  it("are read once, and a small change is told by the next message", async () => {
    const { id } = await newAgent("Pinning");
    await write("calm.txt", lines("The sea", 20));
    await write("busy.txt", lines("The harbour", 40));
    const state = await pinned(id, "busy.txt", "calm.txt");
    assert.deepEqual(state.files.map(({ path: name }) => name).sort(), ["busy.txt", "calm.txt"]);
    const first = await ask(id, "What is here?");
    assert(first.figures.promptTokens > 60 * 6, `${first.figures.promptTokens} tokens`);
    await save("busy.txt", lines("The harbour", 40).replace("has line 7.", "has line seven."));
    const { files } = await pinned(id, "busy.txt");
    assert.equal(files.find(({ path: name }) => name === "busy.txt")?.state, "changed");
    const second = await ask(id, "And now?");
    assert(second.figures.reusedTokens >= first.figures.promptTokens, "the pinned files were not read again");
    assert(second.figures.prefilledTokens > 40, "the change was read");
    assert(second.figures.prefilledTokens < first.figures.promptTokens / 2);
    const third = await ask(id, "Thank you.");
    assert(third.figures.prefilledTokens < 40, `told once: ${third.figures.prefilledTokens} tokens`);
  });

  it("of an open chat are read anew within a second of a save that changes much, from that file on", async () => {
    const agent = await newAgent("Keeping up", { background: false });
    await write("first.txt", lines("The first file", 40));
    await write("second.txt", lines("The second file", 10));
    await pinned(agent.id, "first.txt");
    await pinned(agent.id, "second.txt");
    const { figures } = await ask(agent.id, "What is here?", { background: false });
    await save("second.txt", lines("The rewritten file", 30));
    await until("it was read anew", async () => {
      const state = await pinned(agent.id, "second.txt");
      return state.renewed !== undefined && state.tokens !== undefined;
    });
    const { renewed, files, tokens } = await pinned(agent.id, "second.txt");
    assert.deepEqual([renewed?.changed, renewed?.of], [1, 2]);
    assert((renewed?.tokensRead ?? 0) < (tokens ?? 0) + 64, `${renewed?.tokensRead} of ${tokens} tokens were read`);
    assert.deepEqual(
      files.map(({ path: name, state }) => [name, state]),
      [
        ["first.txt", "read"],
        ["second.txt", "read"],
      ],
    );
    const rename = new vscode.WorkspaceEdit();
    rename.renameFile(at("second.txt"), at("third.txt"));
    assert(await vscode.workspace.applyEdit(rename));
    await until("the new name is known", async () => {
      const state = await pinned(agent.id, "first.txt");
      return state.files.some(({ path: name, problem }) => name === "second.txt" && problem === "It is third.txt now.");
    });
    const next = await ask(agent.id, "And now?", { background: false });
    assert(next.figures.reusedTokens > 40 * 6, `${next.figures.reusedTokens} reused after ${figures.promptTokens}`);
  });

  it("are shared by agents that have the same ones in the same order, and kept by forks", async () => {
    const first = await newAgent("Sharing 1");
    const second = await newAgent("Sharing 2");
    await write("shared.txt", lines("The shared file", 90));
    await pinned(first.id, "shared.txt");
    await ask(first.id, "What is here?");
    const { sharedWith } = await pinned(second.id, "shared.txt");
    assert.deepEqual(sharedWith, ["Sharing 1"]);
    const { figures } = await ask(second.id, "Something else?");
    assert(figures.reusedTokens > 128, `${figures.reusedTokens} of ${figures.promptTokens} tokens were reused`);
    const fork = await run<{ id: string }>(commands.forkAgent, { agent: first.id, name: "Sharing fork" });
    const { files } = await pinned(fork.id, "shared.txt");
    assert.deepEqual(
      files.map(({ path: name, state, problem }) => [name, state, problem]),
      [["shared.txt", "read", undefined]],
    );
    await save("shared.txt", lines("The shared file", 90).replace("line 3.", "line three."));
    const changed = await pinned(fork.id, "shared.txt");
    assert.equal(changed.files[0]?.state, "changed", "the fork knows which file it is");
  });

  it("that cannot be pinned, were renamed or deleted are named", async () => {
    const { id } = await newAgent("Naming");
    await write(".gitignore", "*.secret\n");
    await write("pin.secret", "hidden\n");
    await write("pin.bin", new Uint8Array([1, 0]));
    await write("old.txt", lines("The old file", 10));
    await write("gone.txt", lines("The gone file", 10));
    const refused = await pinned(id, "pin.secret", "pin.bin", "old.txt", "gone.txt");
    assert.deepEqual(
      refused.files.flatMap(({ path: name, problem }) => (problem === undefined ? [] : [[name, problem]])),
      [
        ["pin.secret", "It is ignored: *.secret in .gitignore."],
        ["pin.bin", refusals.binary],
      ],
    );
    await vscode.workspace.fs.delete(at("gone.txt"));
    const deleted = await pinned(id, "old.txt");
    assert.equal(deleted.files.find(({ path: name }) => name === "gone.txt")?.problem, "It was deleted.");
    const { files } = await run<PinnedFileState>(commands.renewFiles, { agent: id });
    assert.deepEqual(
      files.map(({ path: name, state }) => [name, state]),
      [
        ["old.txt", "read"],
        ["gone.txt", "refused"],
      ],
    );
    const left = await run<PinnedFileState>(commands.unpinFile, { agent: id, path: "old.txt" });
    assert.deepEqual(left.files, []);
    assert.equal((await runRefused(commands.unpinFile, { agent: id, path: "old.txt" })).code, "INVALID_REQUEST");
    assert.equal((await runRefused(commands.pinFiles, { agent: id, paths: ["never.txt"] })).code, "INVALID_REQUEST");
  });

  // The restarted window finds this agent.
  // The restarted window finds this agent.
  it("are kept for the next window", async () => {
    const { id } = await newAgent("Pin keeper");
    await write("kept.txt", lines("The kept file", 30));
    await write("later.txt", lines("The later file", 30));
    await pinned(id, "kept.txt", "later.txt");
    assert((await ask(id, "What is here?")).figures.promptTokens > 60 * 6);
    await attach(id, "kept.txt");
    assert.equal(vscode.workspace.getConfiguration().get(settings.filesRenewShare), 0.2);
  });
});
