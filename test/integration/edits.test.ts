import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import * as vscode from "vscode";
import { commands } from "../../src/extension/contributions";
import type { Script } from "../support/servers/scriptedServer";
import { Actors, calls, decide, done, question, waiting } from "./actors";
import { closeEditors, run } from "./support";

describe("an edit of a file", () => {
  let actors: Actors;

  before(async () => {
    actors = await Actors.start("Editor");
  });
  after(() => actors.server.stop());
  afterEach(closeEditors);

  const file = (name: string) => path.join(vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? "", name);
  const bytes = (name: string) => readFileSync(file(name)).toString("hex");
  const utf8 = (text: string) => Buffer.from(text, "utf8");
  const utf16 = (text: string) => Buffer.from(text, "utf16le");
  const edit = (old: string, fresh: string) => (name: string) => calls("edit_file", { path: name, old, new: fresh });
  const rewrite = (content: string) => (name: string) => calls("write_file", { path: name, content });

  const cases = [
    {
      what: "a byte-order mark and CRLF",
      ...{ before: utf8("\ufeffone\r\ntwo\r\nthree\r\n"), after: utf8("\ufeffone\r\nTWO\r\nand more\r\nthree\r\n") },
      call: edit("two", "TWO\nand more"),
    },
    {
      what: "a first line behind a byte-order mark",
      ...{ before: utf8("\ufeffone\ntwo\n"), after: utf8("\ufeffONE\ntwo\n") },
      call: edit("one\n", "ONE\n"),
    },
    {
      what: "CRLF, and no line end at the end",
      ...{ before: utf8("one\r\ntwo\r\nthree"), after: utf8("one\r\ntwo\r\nTHREE") },
      call: edit("two\nthree", "two\nTHREE"),
    },
    {
      what: "LF, beside characters of several bytes",
      ...{ before: utf8("naïve 🌊\ntwo\n"), after: utf8("naïve 🏔\ntwo\n") },
      call: edit("🌊", "🏔"),
    },
    {
      what: "UTF-16 with its mark",
      ...{ before: utf16("\ufeffone\r\nzwö\r\n"), after: utf16("\ufeffone\r\ndrü\r\n") },
      call: edit("zwö", "drü"),
    },
    {
      what: "a byte-order mark and CRLF when all of it is written",
      ...{ before: utf8("\ufeffone\r\ntwo\r\n"), after: utf8("\ufeffother\r\nlines\r\n") },
      call: rewrite("other\nlines\n"),
    },
    {
      what: "LF when all of it is written with CRLF",
      ...{ before: utf8("one\ntwo\n"), after: utf8("other\nlines\n") },
      call: rewrite("other\r\nlines\r\n"),
    },
  ];

  for (const [index, { what, before, after, call }] of cases.entries()) {
    it(`keeps ${what}`, async () => {
      const name = `bytes${index}.txt`;
      writeFileSync(file(name), before);
      const agent = await actors.make(["read_file", "edit_file", "write_file"]);
      await actors.begin(agent, calls("read_file", { path: name }), call(name), done);
      await decide(agent, "allow");
      const [, result] = await actors.results(3);
      assert.match(result ?? "", /^Changed bytes/);
      assert.equal(bytes(name), after.toString("hex"));
    });
  }

  it("is refused where the document was changed since the agent read it, though not saved; then it is made in it", async () => {
    writeFileSync(file("open.txt"), "first\nsecond\n");
    const document = await vscode.workspace.openTextDocument(file("open.txt"));
    const editor = await vscode.window.showTextDocument(document);
    const agent = await actors.make(["read_file", "edit_file"]);
    const second = edit("second", "SECOND")("open.txt");
    const typedFirst: Script = async (response, request) => {
      assert(await editor.edit((typed) => typed.insert(new vscode.Position(0, 0), "mine, ")));
      await second(response, request);
    };
    await actors.begin(agent, calls("read_file", { path: "open.txt" }), typedFirst, second, done);
    await decide(agent, "allow");
    const [, refused, changed] = await actors.results(4);
    assert.match(refused ?? "", /was changed since you read it.*1\tmine, first/s);
    assert.match(changed ?? "", /^Changed open\.txt: \+1 -1/);
    assert.equal(document.getText(), "mine, first\nSECOND\n");
    assert.equal(bytes("open.txt"), utf8("mine, first\nSECOND\n").toString("hex"));
    await vscode.commands.executeCommand("undo");
    assert.equal(document.getText(), "mine, first\nsecond\n", "one undo takes back what the agent did, and no more");
  });

  it("is not made where the document is changed while the person looks at it", async () => {
    writeFileSync(file("looked.txt"), "first\nsecond\n");
    const document = await vscode.workspace.openTextDocument(file("looked.txt"));
    const editor = await vscode.window.showTextDocument(document);
    const agent = await actors.make(["read_file", "edit_file"]);
    await actors.begin(agent, calls("read_file", { path: "looked.txt" }), edit("second", "SECOND")("looked.txt"), done);
    const { call } = await question(agent);
    await editor.edit((typed) => typed.insert(new vscode.Position(0, 0), "mine, "));
    await run(commands.reviewWaiting, { agent, call, way: "allow" });
    const [, refused] = await actors.results(3);
    assert.match(refused ?? "", /was changed since you read it.*1\tmine, first/s);
    assert.deepEqual([document.getText(), document.isDirty], ["mine, first\nsecond\n", true]);
    assert.deepEqual(await waiting(), []);
  });
});
