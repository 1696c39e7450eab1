import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import * as vscode from "vscode";
import { changeScheme, commands } from "../../src/extension/contributions";
import type { WaysState } from "../../src/protocol/chatActing";
import type { AgentSummary } from "../../src/protocol/service";
import { isAlive } from "../support/processes";
import {
  delta,
  ended,
  type Script,
  type ScriptedServer,
  type SeenRequest,
  said,
  stream,
} from "../support/servers/scriptedServer";
import { Actors, calls, decide, done, question, waiting } from "./actors";
import { closeEditors, newAgent, run, runRefused, until } from "./support";

describe("an agent that acts", () => {
  let actors: Actors;
  let server: ScriptedServer;
  let folder: string;

  before(async () => {
    actors = await Actors.start("Actor");
    server = actors.server;
    folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? "";
    assert.notEqual(folder, "");
  });
  // The agent that the next window finds is answered at the same address.
  after(() => server.stop());
  afterEach(() => closeEditors());

  const file = (name: string) => path.join(folder, name);
  const write = (name: string, text: string) => writeFileSync(file(name), text);
  const text = (name: string) => readFileSync(file(name), "utf8");
  const actor = (tools: readonly string[]) => actors.make(tools);
  const begin = (agent: string, ...scripts: readonly Script[]) => actors.begin(agent, ...scripts);
  const results = (requests: number) => actors.results(requests);

  it("reads and searches without asking, also what is not saved", async () => {
    write("seen.txt", "first\nsecond\n");
    const document = await vscode.workspace.openTextDocument(file("seen.txt"));
    const editor = await vscode.window.showTextDocument(document);
    await editor.edit((edit) => edit.insert(new vscode.Position(0, 0), "unsaved "));
    const agent = await actor(["read_file", "list_files", "search"]);
    const search = calls("search", { text: "unsaved", path: "." });
    await begin(agent, calls("read_file", { path: "seen.txt" }), search, calls("list_files", {}), done);
    const [read, found, list] = await results(4);
    assert.match(read ?? "", /1\tunsaved first\n2\tsecond/);
    assert.match(found ?? "", /seen\.txt\n1\tunsaved first/);
    assert.match(list ?? "", /fibonacci\.py/);
    assert.deepEqual(await waiting(), []);
  });

  it("fixes what a failing check shows: each command and each change is asked for, in a terminal and a diff editor", async () => {
    write("total.py", "def total(values):\r\n    return sum(values) + 1\r\n");
    write("check.sh", "python3 -c 'from total import total; assert total([1, 2]) == 3, \"wrong\"'\n");
    const agent = await actor(["read_file", "edit_file", "run"]);
    const check = calls("run", { command: "sh check.sh" });
    const edit = calls("edit_file", { path: "total.py", old: "sum(values) + 1", new: "sum(values)" });
    await begin(agent, check, calls("read_file", { path: "total.py" }), edit, check, done);
    assert.match((await question(agent)).question, /sh check\.sh/);
    await decide(agent, "allow");
    const [failed] = await results(2);
    assert.match(failed ?? "", /^Exit code 1\..*wrong/s);
    await results(3);
    const { call, kind } = await question(agent);
    assert.equal(kind, "write");
    await run(commands.reviewWaiting, { agent, call, way: "openDiff" });
    await until("the diff editor is open", () => openDiffs().length === 1);
    assert.match(text("total.py"), /\+ 1/, "nothing is written before it is accepted");
    await run(commands.acceptChange);
    await until("the diff editor is closed", () => openDiffs().length === 0);
    const [, , changed] = await results(4);
    assert.match(changed ?? "", /Changed total\.py: \+1 -1/);
    const fixed = "def total(values):\r\n    return sum(values)\r\n";
    assert.equal(text("total.py"), fixed);
    const document = await vscode.workspace.openTextDocument(file("total.py"));
    await vscode.window.showTextDocument(document);
    await vscode.commands.executeCommand("undo");
    assert.match(document.getText(), /\+ 1/, "one undo takes it back");
    await vscode.commands.executeCommand("redo");
    assert.deepEqual([document.getText(), document.isDirty], [fixed, false]);
    await decide(agent, "allow");
    const last = await results(5);
    assert.match(last.at(-1) ?? "", /^Exit code 0\./);
    assert.ok(vscode.window.terminals.some(({ name }) => name === `Resident: ${actors.lastName}`));
  });

  function openDiffs(): readonly vscode.Tab[] {
    const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs);
    return tabs.filter(
      ({ input }) => input instanceof vscode.TabInputTextDiff && input.modified.scheme === changeScheme,
    );
  }

  it("writes what is left of a change when a part of it was taken out in the diff editor", async () => {
    write("parts.txt", "one\ntwo\nthree\n");
    const agent = await actor(["read_file", "write_file"]);
    const change = calls("write_file", { path: "parts.txt", content: "ONE\ntwo\nTHREE\n" });
    await begin(agent, calls("read_file", { path: "parts.txt" }), change, done);
    await decide(agent, "openDiff");
    await until("the diff editor is open", () => openDiffs().length === 1);
    const { input } = openDiffs()[0] ?? {};
    assert(input instanceof vscode.TabInputTextDiff);
    const part = new vscode.WorkspaceEdit();
    part.replace(input.modified, new vscode.Range(2, 0, 2, 5), "three");
    await vscode.workspace.applyEdit(part);
    await run(commands.acceptChange);
    const [, result] = await results(3);
    assert.equal(text("parts.txt"), "ONE\ntwo\nthree\n");
    assert.match(result ?? "", /took it with changes.*THREE/s);
  });

  it("changes nothing that was refused, outside of the workspace, or changed meanwhile, and says so to the model", async () => {
    write("refused.txt", "as it was\n");
    const agent = await actor(["read_file", "write_file", "edit_file"]);
    const outside = calls("write_file", { path: "../outside.txt", content: "x" });
    const refused = calls("write_file", { path: "refused.txt", content: "x\n" });
    const stale = calls("edit_file", { path: "refused.txt", old: "as it was", new: "x" });
    await begin(agent, outside, calls("read_file", { path: "refused.txt" }), refused, stale, done);
    await results(3);
    await decide(agent, "deny", { text: "Leave it." });
    await results(4);
    const { call } = await question(agent);
    write("refused.txt", "as it was, and more\n");
    await run(commands.reviewWaiting, { agent, call, way: "allow" });
    const [first, , second, third] = await results(5);
    assert.match(first ?? "", /outside of the workspace/);
    assert.match(second ?? "", /refused this.*Leave it\./s);
    assert.match(third ?? "", /was changed since you read it.*and more/s);
    assert.ok(!existsSync(path.join(folder, "..", "outside.txt")));
    assert.equal(text("refused.txt"), "as it was, and more\n");
    const { code } = await runRefused(commands.reviewWaiting, { agent, call, way: "allow" });
    assert.equal(code, "INVALID_REQUEST");
  });

  it("sees the problems of a file as the editor tells them, in their order", async () => {
    write("wrong.txt", "one\ntwo\n");
    const uri = vscode.Uri.file(file("wrong.txt"));
    const collection = vscode.languages.createDiagnosticCollection("spelling");
    try {
      const range = new vscode.Range(1, 0, 1, 3);
      const warning = new vscode.Diagnostic(range, "rather 2", vscode.DiagnosticSeverity.Warning);
      warning.source = "spelling";
      collection.set(uri, [warning, new vscode.Diagnostic(range, "not a word", vscode.DiagnosticSeverity.Error)]);
      const agent = await actor(["problems"]);
      await begin(agent, calls("problems", { path: "wrong.txt" }), calls("problems", { path: "fibonacci.py" }), done);
      const [found, none] = await results(3);
      assert.match(
        found ?? "",
        /^1 error, 1 warning:\nwrong\.txt:2 error: not a word\nwrong\.txt:2 warning: rather 2 \(spelling\)/,
      );
      assert.match(none ?? "", /^No problems/);
    } finally {
      collection.dispose();
    }
  });

  it("runs commands also where the terminal has no shell integration", async () => {
    const configuration = vscode.workspace.getConfiguration("terminal.integrated.shellIntegration");
    await configuration.update("enabled", false, vscode.ConfigurationTarget.Global);
    try {
      const agent = await actor(["run"]);
      await begin(agent, calls("run", { command: "echo $((40 + 2)); exit 4" }), done);
      await decide(agent, "allow");
      const [result] = await results(2);
      assert.equal(result, "Exit code 4.\n42");
    } finally {
      await configuration.update("enabled", undefined, vscode.ConfigurationTarget.Global);
    }
  });

  it("stops with a command that hangs, and what the command started ends", async () => {
    const agent = await actor(["run"]);
    await begin(agent, calls("run", { command: "echo $$ > hanging.pid; sleep 1000; echo over" }), done);
    await decide(agent, "allow");
    await until("the command runs", () => existsSync(file("hanging.pid")) && text("hanging.pid") !== "", 20_000);
    await run(commands.stopAgent, { agent });
    const [result] = await results(2);
    assert.match(result ?? "", /stopped this/);
    const pid = Number(text("hanging.pid"));
    await until("it has ended", () => !isAlive(pid));
  });

  it("changes three files, which can be put back with what the person changed since", async () => {
    for (const name of ["a.txt", "b.txt", "c.txt"]) write(name, "old name\n\n\n\nend\n");
    const agent = await actor(["edit_file"]);
    const rename = (name: string) => calls("edit_file", { path: name, old: "old name", new: "new name" });
    await begin(agent, rename("a.txt"), rename("b.txt"), rename("c.txt"), done);
    await decide(agent, "always");
    await results(4);
    for (const name of ["a.txt", "b.txt", "c.txt"]) assert.equal(text(name), "new name\n\n\n\nend\n");
    write("b.txt", "new name\n\n\n\nmy end\n");
    write("c.txt", "my name\n\n\n\nend\n");
    assert.deepEqual(await waiting(), []);
    assert.deepEqual(await run<readonly string[]>(commands.putFilesBack, { agent, files: "plain" }), [
      "a.txt",
      "b.txt",
    ]);
    assert.deepEqual(["a.txt", "b.txt", "c.txt"].map(text), [
      "old name\n\n\n\nend\n",
      "old name\n\n\n\nmy end\n",
      "my name\n\n\n\nend\n",
    ]);
  });

  /** The last message of a request. */
  function lastOf(request: SeenRequest): { readonly role: string; readonly content: string } {
    const { messages } = request.json;
    assert(Array.isArray(messages));
    return messages.at(-1);
  }

  it("reads nothing through a link that leads out of the workspace, and lists nothing that is ignored", async () => {
    const outside = mkdtempSync(path.join(tmpdir(), "resident outside "));
    try {
      writeFileSync(path.join(outside, "secret.txt"), "outside words");
      symlinkSync(outside, file("link"));
      mkdirSync(file("ignored"));
      write("ignored/hidden.txt", "ignored words");
      write("shown.txt", "shown words");
      write(".gitignore", "ignored/\n");
      const agent = await actor(["read_file", "write_file", "list_files", "search"]);
      const through = calls("write_file", { path: "link/new.txt", content: "x" });
      const searched = calls("search", { text: " words" });
      await begin(
        agent,
        calls("read_file", { path: "link/secret.txt" }),
        through,
        searched,
        calls("list_files", {}),
        done,
      );
      const [read, written, found, list] = await results(5);
      for (const refused of [read, written]) assert.match(refused ?? "", /a link that leads out of the workspace/);
      assert.deepEqual(readdirSync(outside), ["secret.txt"]);
      assert.match(found ?? "", /shown\.txt/);
      assert.doesNotMatch(`${found}${list}`, /ignored words|hidden\.txt|outside words/);
    } finally {
      for (const made of [file("link"), file(".gitignore"), file("ignored"), outside])
        rmSync(made, { recursive: true });
    }
  });

  it("asks the person, and goes on with the answer", async () => {
    const agent = await actor(["ask_user"]);
    await begin(agent, calls("ask_user", { question: "Which colour?" }), done);
    const { question: asked, ways } = await question(agent);
    assert.deepEqual([asked, ways], ["Which colour?", ["answer", "deny"]]);
    await decide(agent, "answer", { text: "Blue." });
    assert.deepEqual(await results(2), ["Blue."]);
  });

  it("ends a command that prints for ever, and tells the model its beginning and its end", async () => {
    const agent = await actor(["run"]);
    await begin(agent, calls("run", { command: "echo first; touch begun; yes on and on" }), done);
    await decide(agent, "allow");
    await until("it prints", () => existsSync(file("begun")), 20_000);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await run(commands.stopAgent, { agent });
    const [result] = await results(2);
    assert.match(result ?? "", /stopped this.*first\non and on.*lines left out/s);
    assert.ok((result?.length ?? 0) < 50_000);
  });

  it("hands tasks to forks of itself, and gets what they found as results", async () => {
    const agent = await actor(["delegate", "read_file"]);
    const tasks = ["first task", "second task"].map((task, index) => ({
      ...{ index, id: `call-${index}`, type: "function" },
      function: { name: "delegate", arguments: JSON.stringify({ task }) },
    }));
    const answer: Script = (response, request) => {
      const { role, content } = lastOf(request);
      const task = /Task: (\w+)/.exec(content)?.[1];
      if (role === "user" && task !== undefined)
        return stream(said(`found by the ${task}`), ended())(response, request);
      if (role === "tool") return done(response, request);
      return stream(delta({ tool_calls: tasks }), ended("tool_calls"))(response, request);
    };
    await begin(agent, answer);
    const found = await results(4);
    assert.deepEqual(found, ["found by the first", "found by the second"]);
  });

  it("answers in three ways at once, of which one is kept", async () => {
    const agent = await actor(["read_file"]);
    let count = 0;
    const answer: Script = (response, request) => stream(said(`Way ${++count}.`), ended())(response, request);
    await begin(agent, answer);
    const { ways } = await run<WaysState>(commands.answerInWays, { agent });
    assert.equal(ways.length, 3);
    let kept: unknown;
    await until("all have ended", async () => {
      kept = await vscode.commands.executeCommand(commands.chooseWay, { agent, way: 2 });
      return typeof kept === "object" && kept !== null && !("error" in kept);
    });
    assert.equal(count, 4);
    const conversation = await run<string>(commands.copyConversation, { agent });
    assert.match(conversation, /Way [234]\./);
    assert.doesNotMatch(conversation, /Way 1\./);
    const { code } = await runRefused(commands.chooseWay, { agent, way: 0 });
    assert.equal(code, "INVALID_REQUEST");
  });

  it("is compacted: a summary stands in the place of all but the last turns", async () => {
    const agent = await actor(["read_file"]);
    for (const word of ["One", "Two", "Three"]) await begin(agent, stream(said(`${word}.`), ended()));
    server.play(stream(said("They counted to three."), ended()));
    const { turnCount } = await run<AgentSummary>(commands.compactConversation, { agent, turns: 1 });
    assert.equal(turnCount, 2);
    const conversation = await run<string>(commands.copyConversation, { agent });
    assert.match(conversation, /They counted to three\./);
    assert.doesNotMatch(conversation, /One\./);
  });

  it("is left with a command that waits, for the window that comes next", async () => {
    const agent = await actor(["run"]);
    await run(commands.renameAgent, { agent, name: "Left Acting" });
    await begin(agent, calls("run", { command: "echo after the restart > left.txt" }), done);
    assert.equal((await question(agent)).kind, "run");
    write("server.port", `${server.port}`);
  });

  it("gets no tools where its model takes none, and none that is not there", async () => {
    const plain = await newAgent("Plain");
    const refused = await runRefused(commands.chooseTools, { agent: plain.id, tools: ["read_file"] });
    assert.match(refused.what, /takes no tools: its chat template has no place for tools/);
    const agent = await actor(["read_file"]);
    const unknown = await runRefused(commands.chooseTools, { agent, tools: ["fly"] });
    assert.match(unknown.what, /no tool "fly"/);
  });
});
