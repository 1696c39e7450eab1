import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import * as vscode from "vscode";
import { commands } from "../../../src/extension/contributions";
import { digestOf } from "../../../src/extension/files/digest";
import type { ChatAttachments } from "../../../src/extension/files/fileCommands";
import type { PinnedFileState } from "../../../src/protocol/chatFiles";
import { Actors, calls, decide, done, question } from "../actors";
import { ask, closeEditors, newAgent, run, until } from "../support";
import { MemoryFiles } from "./memoryFiles";

const scheme = "resident-test";
const story = "The river rises.\nThe bridge holds.\nThe town sleeps.\n";

describe("a workspace with a folder of another file system", () => {
  const memory = new MemoryFiles();
  let registration: vscode.Disposable;
  let actors: Actors;
  let real: string;

  before(async () => {
    registration = vscode.workspace.registerFileSystemProvider(scheme, memory, { isCaseSensitive: true });
    const folders = vscode.workspace.workspaceFolders ?? [];
    assert.deepEqual(
      folders.map(({ name, uri }) => [name, uri.scheme, uri.path === "/"]),
      [
        ["virtual", scheme, true],
        ["real", "file", false],
      ],
    );
    real = folders[1]?.uri.fsPath ?? "";
    actors = await Actors.start("Virtual");
  });
  after(async () => {
    await actors.server.stop();
    registration.dispose();
  });
  afterEach(closeEditors);

  const at = (name: string) => vscode.Uri.from({ scheme, path: `/${name}` });
  const put = (name: string, text: string) => memory.writeFile(at(name), Buffer.from(text));
  const text = (name: string) => Buffer.from(memory.readFile(at(name))).toString();

  it("has its files attached and pinned by their folder's name, and a change of them noticed", async () => {
    put("tales/story.txt", story.repeat(40));
    const { id } = await newAgent("Virtual Reader");
    const argument = {
      agent: id,
      paths: ["virtual/tales/story.txt", `${scheme}:/tales/story.txt:2`],
      background: true,
    };
    const { attachments } = await run<ChatAttachments>(commands.addToChat, argument);
    assert.deepEqual(
      attachments.map(({ path: name, digest, range, problem }) => [name, digest, range, problem]),
      [
        ["virtual/tales/story.txt", digestOf(story.repeat(40)), undefined, undefined],
        ["virtual/tales/story.txt", digestOf("The bridge holds.\n"), { from: 2, to: 2 }, undefined],
      ],
    );
    const state = () => run<PinnedFileState>(commands.pinFiles, { agent: id, paths: ["virtual/tales/story.txt"] });
    assert.deepEqual(
      (await state()).files.map(({ path: name, problem }) => [name, problem]),
      [["virtual/tales/story.txt", undefined]],
    );
    const { figures } = await ask(id, "What is here?");
    assert(figures.promptTokens > 100, `${figures.promptTokens} tokens were read`);
    const document = await vscode.workspace.openTextDocument(at("tales/story.txt"));
    const change = new vscode.WorkspaceEdit();
    change.replace(document.uri, new vscode.Range(0, 4, 0, 9), "stream");
    assert(await vscode.workspace.applyEdit(change));
    assert(await document.save());
    await until("it is changed", async () => (await state()).files[0]?.state === "changed");
  });

  it("is listed, searched, read and changed by an agent as the other one", async () => {
    put("tales/story.txt", story);
    put("plain.txt", "\ufeffone\r\ntwo\r\n");
    writeFileSync(path.join(real, "beside.txt"), "The river falls.\n");
    const agent = await actors.make(["list_files", "search", "read_file", "edit_file", "write_file"]);
    await actors.begin(
      agent,
      calls("list_files", { path: "virtual" }),
      calls("search", { text: "The river" }),
      calls("read_file", { path: "virtual/plain.txt" }),
      calls("edit_file", { path: "virtual/plain.txt", old: "two", new: "TWO" }),
      calls("write_file", { path: "virtual/tales/new.txt", content: "Once.\n" }),
      done,
    );
    assert.match((await question(agent)).question, /^Edit virtual\/plain\.txt/);
    await decide(agent, "allow");
    await actors.results(5);
    await decide(agent, "allow");
    const [list, found, read, changed, written] = await actors.results(6);
    assert.match(list ?? "", /plain\.txt/);
    assert.match(list ?? "", /story\.txt/);
    assert.match(found ?? "", /virtual\/tales\/story\.txt\n1\tThe river rises\./);
    assert.match(found ?? "", /real\/beside\.txt\n1\tThe river falls\./);
    assert.match(read ?? "", /^virtual\/plain\.txt.*1\tone\n2\ttwo/s);
    assert.match(changed ?? "", /^Changed virtual\/plain\.txt: \+1 -1/);
    assert.match(written ?? "", /^Made virtual\/tales\/new\.txt/);
    assert.equal(text("plain.txt"), "\ufeffone\r\nTWO\r\n");
    assert.equal(text("tales/new.txt"), "Once.\n");
    assert.deepEqual(await run<readonly string[]>(commands.putFilesBack, { agent, files: "plain" }), [
      "virtual/plain.txt",
      "virtual/tales/new.txt",
    ]);
    assert.equal(text("plain.txt"), "\ufeffone\r\ntwo\r\n");
    assert(!memory.files.has("/tales/new.txt"));
  });

  it("shows its changes in the diff editor, before and after they are made", async () => {
    put("shown.txt", "before\n");
    const agent = await actors.make(["read_file", "edit_file"]);
    const edit = calls("edit_file", { path: "virtual/shown.txt", old: "before", new: "after" });
    await actors.begin(agent, calls("read_file", { path: "virtual/shown.txt" }), edit, done);
    await decide(agent, "openDiff");
    const diffs = () =>
      vscode.window.tabGroups.all
        .flatMap(({ tabs }) => tabs)
        .filter(({ input }) => input instanceof vscode.TabInputTextDiff);
    await until("the diff editor is open", () => diffs().length === 1);
    await run(commands.acceptChange);
    await actors.results(3);
    assert.equal(text("shown.txt"), "after\n");
  });

  it("opens no way out of the other folder, though its own path is the root of all paths", async () => {
    const outside = mkdtempSync(path.join(tmpdir(), "resident outside "));
    const link = path.join(real, "out");
    try {
      writeFileSync(path.join(outside, "secret.txt"), "outside words\n");
      symlinkSync(outside, link);
      const agent = await actors.make(["read_file", "write_file", "search"]);
      await actors.begin(
        agent,
        calls("read_file", { path: "real/out/secret.txt" }),
        calls("write_file", { path: "real/out/new.txt", content: "x" }),
        calls("read_file", { path: path.join(outside, "secret.txt") }),
        calls("read_file", { path: "virtual/../real/out/secret.txt" }),
        calls("search", { text: "outside words" }),
        done,
      );
      const [read, written, absolute, above, found] = await actors.results(6);
      for (const refused of [read, written]) assert.match(refused ?? "", /a link that leads out of the workspace/);
      for (const text of [absolute, above, found]) assert.doesNotMatch(text ?? "", /1\toutside words/);
      assert(!existsSync(path.join(outside, "new.txt")));
    } finally {
      rmSync(link);
      rmSync(outside, { recursive: true });
    }
  });

  it("has commands run in the folder that is on this machine", async () => {
    const agent = await actors.make(["run"]);
    await actors.begin(agent, calls("run", { command: "pwd" }), done);
    await decide(agent, "allow");
    assert.deepEqual(await actors.results(2), [`Exit code 0.\n${real}`]);
  });
});
