import assert from "node:assert/strict";
import { BuiltInTools, builtInSpecs } from "../../../src/acting/builtInTools";
import { actingInstructions, withActing, withoutActing } from "../../../src/acting/instructions";
import type { CallContext, Decision, ToolPorts } from "../../../src/acting/ports";
import type { JsonObject } from "../../../src/common/tools";
import { callKind } from "../../../src/protocol/toolNames";
import { digest, FakeCommands, FakeProblems, FakeWorkspace } from "../../support/acting/fakeWorkspace";
import { HandClock, MemoryCheckpoints, MemorySeen } from "../../support/acting/kept";

class Bench {
  readonly workspace: FakeWorkspace;
  readonly commands = new FakeCommands();
  readonly problems = new FakeProblems();
  readonly seen = new MemorySeen();
  readonly checkpoints = new MemoryCheckpoints();
  readonly tools: BuiltInTools;
  decision: Decision = { way: "deny" };
  resultLength = 4000;

  constructor(files: Readonly<Record<string, string>> = {}, folders?: ConstructorParameters<typeof FakeWorkspace>[1]) {
    this.workspace = new FakeWorkspace(files, folders);
    const { workspace, commands, problems, seen, checkpoints } = this;
    const ports: ToolPorts = {
      ...{ workspace, commands, problems, seen, checkpoints, digest, clock: new HandClock() },
      others: { has: () => false, run: () => Promise.reject(new Error("there is none")) },
      delegates: { run: async (task) => ({ text: `did ${task}` }) },
    };
    this.tools = new BuiltInTools(ports);
  }

  private get context(): CallContext {
    return {
      ...{ agent: "ada", turn: "t1", resultLength: this.resultLength },
      onOutput: () => {},
      onDelegate: async () => {},
      ask: async () => this.decision,
    };
  }

  /** The result of a call; one that failed begins with "! ". */
  async call(name: string, args: JsonObject): Promise<string> {
    const call = { id: "c1", name, arguments: args };
    const { signal } = new AbortController();
    const prepared = await this.tools.prepare(call, this.context, signal);
    const { text, failed } = prepared.refused ?? (await this.tools.run(call, this.context, signal, { prepared }));
    return failed === true ? `! ${text}` : text;
  }
}

describe("the built-in tools", () => {
  it("are nine, with few flat parameters, the path first, and the kinds that pages know", () => {
    assert.equal(builtInSpecs.length, 9);
    for (const { name, description, parameters } of builtInSpecs) {
      const { properties = {}, required = [] } = (parameters ?? {}) as { properties?: JsonObject; required?: string[] };
      const names = Object.keys(properties);
      assert.ok(names.length >= 1 && names.length <= 4, name);
      assert.ok(
        required.every((one, index) => names[index] === one),
        `${name}: what is required stands first`,
      );
      if (names.includes("path") && name !== "search") assert.equal(names[0], "path");
      for (const property of Object.values(properties) as { type: string }[]) {
        assert.ok(["string", "integer", "boolean"].includes(property.type));
      }
      assert.ok(description.length > 20 && description.length < 260);
      assert.notEqual(callKind(name), "other");
    }
  });

  it("answer wrong arguments with what is missing", async () => {
    const bench = new Bench({ "a.txt": "a\n" });
    for (const { name, parameters } of builtInSpecs) {
      const { required = [] } = (parameters ?? {}) as { required?: string[] };
      if (required.length === 0) continue;
      assert.match(await bench.call(name, {}), /^! "\w+" is missing or not a text\./, name);
      assert.match(await bench.call(name, { [required[0] ?? ""]: 7 }), /^! /, name);
    }
    assert.match(await bench.call("read_file", { path: "a.txt", from: 0 }), /^! "from" is the number of a line/);
    assert.match(await bench.call("read_file", { path: "a.txt", from: "1" }), /^! "from"/);
    assert.match(await bench.call("read_file", { path: "a.txt", from: 3, to: 2 }), /^! "to" is before "from"\./);
  });
});

describe("read_file", () => {
  it("numbers lines, goes on where it was cut, and leaves a byte-order mark out", async () => {
    const bench = new Bench({ "a.txt": "\ufeffone\r\ntwo\r\nthree\r\n", empty: "" });
    assert.equal(await bench.call("read_file", { path: "a.txt" }), "a.txt, lines 1-3 of 3:\n1\tone\n2\ttwo\n3\tthree");
    assert.equal(await bench.call("read_file", { path: "a.txt", from: 2, to: 2 }), "a.txt, lines 2-2 of 3:\n2\ttwo");
    assert.equal(await bench.call("read_file", { path: "empty" }), "empty is empty.");
    assert.equal(await bench.call("read_file", { path: "a.txt", from: 9 }), "! a.txt has only 3 lines.");
    bench.resultLength = 12;
    assert.equal(
      await bench.call("read_file", { path: "a.txt" }),
      "a.txt, lines 1-2 of 3:\n1\tone\n2\ttwo\n[… 1 more; go on with from: 3]",
    );
  });

  it("teaches where there is nothing to read", async () => {
    const bench = new Bench({ "src/a.ts": "a", "lib/A.ts": "a", img: "" });
    bench.workspace.binary.add("img");
    assert.equal(
      await bench.call("read_file", { path: "a.ts" }),
      "! There is no file a.ts. There is: lib/A.ts, src/a.ts.",
    );
    assert.equal(
      await bench.call("read_file", { path: "b.ts" }),
      "! There is no file b.ts. There is only: img, lib/A.ts, src/a.ts.",
    );
    for (let number = 0; number < 20; number += 1) bench.workspace.files.set(`more/${number}`, "");
    assert.equal(
      await bench.call("read_file", { path: "b.ts" }),
      "! There is no file b.ts. Use list_files to see what there is.",
    );
    assert.match(await new Bench().call("read_file", { path: "b.ts" }), /^! There is no file b\.ts\. Use list_files/);
    assert.match(
      await bench.call("edit_file", { path: "b.ts", old: "a", new: "b" }),
      /^! There is no file b\.ts\. .* To make a new file, call write_file\.$/,
    );
    assert.match(await bench.call("read_file", { path: "src" }), /^! src is a folder\. Use list_files/);
    assert.match(await bench.call("read_file", { path: "img" }), /^! img is not text/);
    assert.match(await bench.call("read_file", { path: "../x" }), /^! "\.\.\/x" is outside of the workspace/);
  });
});

describe("list_files and search", () => {
  const folders = [
    { name: "app", path: "/work/app" },
    { name: "lib", path: "/work/lib" },
  ];

  it("look at a folder, at all, and at all folders of a workspace with several", async () => {
    const bench = new Bench({ "src/a.ts": "x", "src/b/c.ts": "x", "d.ts": "y" });
    assert.equal(await bench.call("list_files", {}), "3 files:\nsrc/b/c.ts\nsrc/a.ts\nd.ts");
    assert.equal(await bench.call("list_files", { path: "src/" }), "2 files:\nb/c.ts\na.ts");
    assert.match(await bench.call("list_files", { path: "d.ts" }), /^! d\.ts is a file\. Use read_file\.$/);
    assert.match(await bench.call("list_files", { path: "no" }), /^! There is no folder no\./);
    assert.equal(await bench.call("search", { text: "x", path: "src/b" }), "1 match in 1 file:\nsrc/b/c.ts\n1\tx");
    const both = new Bench({ "a.ts": "x", "1:b.ts": "x" }, folders);
    assert.equal(await both.call("list_files", { path: "." }), "2 files:\napp/a.ts\nlib/b.ts");
    assert.equal(await both.call("list_files", { path: "lib" }), "1 file:\nb.ts");
  });

  it("tell what is no regular expression, and where there is nothing", async () => {
    const bench = new Bench({ "a.ts": "a(b\nab\n" });
    assert.match(await bench.call("search", { text: "a(", regex: true }), /^! "text" is no regular expression/);
    assert.equal(await bench.call("search", { text: "a(" }), "1 match in 1 file:\na.ts\n1\ta(b");
    assert.equal(await bench.call("search", { text: "^a.$", regex: true }), "1 match in 1 file:\na.ts\n2\tab");
    assert.equal(await bench.call("search", { text: "z" }), "No match.");
    assert.equal(await bench.call("search", { text: "z", path: "a.ts" }), "No match in a.ts.");
    assert.match(
      await bench.call("search", { text: "z", path: "src/A.ts" }),
      /^! There is no file src\/A\.ts\. There is: a\.ts\.$/,
    );
    assert.equal(await bench.call("search", { text: "" }), '! "text" is empty.');
    assert.equal(await new Bench().call("list_files", {}), "Nothing is in the workspace.");
  });

  it("are cut with a way to see more", async () => {
    const bench = new Bench(
      Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`f${index}.ts`, "x\n".repeat(9)])),
    );
    bench.resultLength = 300;
    const found = await bench.call("search", { text: "x" });
    assert.match(found, /^200 matches or more in 23 files:\n/);
    assert.match(found, /\n\[… more; look for a longer text, or only in one path\]$/);
    assert.ok(found.length < 450);
  });
});

describe("edit_file", () => {
  it("says how many lines it changed, and keeps a copy from before", async () => {
    const bench = new Bench({ "a.txt": "one\r\ntwo\r\n" });
    assert.equal(
      await bench.call("edit_file", { path: "a.txt", old: "two", new: "2\n3" }),
      "Changed a.txt: +2 -1 lines.",
    );
    assert.equal(bench.workspace.text("a.txt"), "one\r\n2\r\n3\r\n");
    const [copy] = await bench.checkpoints.list("ada");
    assert.equal(await bench.checkpoints.text("ada", copy?.before ?? ""), "one\r\ntwo\r\n");
  });

  it("teaches what stands there when the quote does not", async () => {
    const bench = new Bench({ "a.ts": "function a() {\n\treturn 1;\n}\nfunction b() {}\n" });
    const edit = (old: string, fresh = "x") => bench.call("edit_file", { path: "a.ts", old, new: fresh });
    assert.match(await edit("  return 1;\n  more();"), /Around there it is:\n1\tfunction a\(\) \{\n2\t\treturn 1;/);
    assert.match(await edit("1\tfunction a() {\n2\t  return 1;"), /Leave out the line numbers and tabs/);
    assert.match(await edit("nowhere"), /a\.ts begins with:\n1\tfunction a/);
    assert.match(await edit("gone", "return 1;"), /The text of new is there already/);
    assert.match(await edit("function"), /is in a\.ts 2 times, at lines 1, 4\. Nothing was changed\./);
    assert.match(await edit("return 1;", "return 1;"), /^! Nothing to do/);
    assert.match(await edit(""), /^! "old" is empty, but a\.ts is not\./);
    assert.deepEqual(bench.workspace.written, []);
  });

  it("with an empty quote makes a file that is not there", async () => {
    const bench = new Bench();
    assert.equal(
      await bench.call("edit_file", { path: "new/a.txt", old: "", new: "a\n" }),
      "Made new/a.txt: +1 -0 lines.",
    );
    assert.match(await bench.call("edit_file", { path: "b.txt", old: "x", new: "a\n" }), /^! There is no file b\.txt/);
  });

  it("tells what saving made of it, and a rewind takes that back too", async () => {
    const bench = new Bench({ "a.ts": "a;\nb;\n" });
    bench.workspace.onSave = (text) => text.replace("c ;", "c;");
    assert.equal(
      await bench.call("edit_file", { path: "a.ts", old: "b;", new: "c ;" }),
      "Changed a.ts: +1 -1 lines.\nThe editor changed it further when it was saved. Now it is:\n1\ta;\n2\tc;",
    );
    assert.equal((await bench.checkpoints.list("ada")).length, 2);
    assert.equal(await bench.call("edit_file", { path: "a.ts", old: "c;", new: "d;" }), "Changed a.ts: +1 -1 lines.");
  });

  it("writes nothing over what changes between the look and the write", async () => {
    const bench = new Bench({ "a.ts": "a;\n" });
    bench.workspace.beforeWrite = () => bench.workspace.files.set("a.ts", "mine;\n");
    assert.match(
      await bench.call("edit_file", { path: "a.ts", old: "a;", new: "b;" }),
      /^! a\.ts was changed since you read it, .*\n1\tmine;/,
    );
    bench.workspace.beforeWrite = () => bench.workspace.files.delete("a.ts");
    assert.equal(
      await bench.call("edit_file", { path: "a.ts", old: "mine;", new: "b;" }),
      "! Nothing was written: a.ts was removed meanwhile.",
    );
  });
});

describe("write_file", () => {
  it("writes a new file at once, and one that is there only when the agent knows it", async () => {
    const bench = new Bench({ "a.txt": "\ufeffone\r\n" });
    assert.equal(await bench.call("write_file", { path: "b.txt", content: "b\n" }), "Made b.txt: +1 -0 lines.");
    const write = () => bench.call("write_file", { path: "a.txt", content: "1\n2\n" });
    assert.match(await write(), /^! a\.txt is there already and you have not read it, .*\n1\tone\n/);
    assert.equal(await write(), "Changed a.txt: +2 -1 lines.");
    assert.equal(bench.workspace.text("a.txt"), "\ufeff1\r\n2\r\n");
    assert.match(await write(), /^! Nothing to do: a\.txt has exactly this text already\.$/);
    bench.workspace.files.set("a.txt", "mine\n");
    assert.match(await write(), /^! a\.txt was changed since you read it/);
    assert.match(await bench.call("write_file", { path: ".", content: "x" }), /^! \. is a folder/);
    assert.match(await bench.call("write_file", { path: ".git/hooks/x", content: "x" }), /git's own files/);
    assert.equal(bench.workspace.text("a.txt"), "mine\n");
  });
});

describe("run, problems, ask_user and delegate", () => {
  it("give the exit code with what was printed", async () => {
    const bench = new Bench();
    bench.commands.known.set("ok", () => ({ output: "\u001b[1mfine\u001b[0m\r\n", exitCode: 0 }));
    bench.commands.known.set("silent", () => ({ output: "", exitCode: 2 }));
    assert.equal(await bench.call("run", { command: "ok" }), "Exit code 0.\nfine");
    assert.equal(await bench.call("run", { command: "silent" }), "! Exit code 2.\nIt printed nothing.");
    assert.match(await bench.call("run", { command: "a\u0003b" }), /^! The command has a control character/);
    assert.match(await bench.call("run", { command: " " }), /^! "command" is empty/);
    assert.match(await bench.call("run", { command: "x".repeat(9000) }), /^! The command is longer than/);
    assert.deepEqual(bench.commands.ran, ["ok", "silent"]);
  });

  it("list what is worst first", async () => {
    const bench = new Bench();
    assert.equal(await bench.call("problems", {}), "No problems.");
    bench.problems.found = [
      { path: "b.ts", line: 2, severity: "warning", message: "unused", source: "lint" },
      { path: "b.ts", line: 9, severity: "error", message: "no\n  such name" },
      { path: "a.ts", line: 4, severity: "error", message: "x".repeat(2000), source: "ts 2322" },
    ];
    assert.equal(
      await bench.call("problems", {}),
      `2 errors, 1 warning:\na.ts:4 error: ${"x".repeat(600)}… (ts 2322)\nb.ts:9 error: no such name\nb.ts:2 warning: unused (lint)`,
    );
    assert.match(await bench.call("problems", { path: "c.ts" }), /^! There is no file c\.ts/);
    bench.workspace.files.set("c.ts", "");
    assert.equal(await bench.call("problems", { path: "c.ts" }), "No problems in c.ts.");
    bench.resultLength = 100;
    assert.match(await bench.call("problems", { path: "b.ts" }), /^1 error, 1 warning:\n/);
  });

  it("give the person's answer, or say that there is none", async () => {
    const bench = new Bench();
    assert.match(await bench.call("ask_user", { question: "Which?" }), /^! The person gave no answer/);
    bench.decision = { way: "answer", text: "The first." };
    assert.equal(await bench.call("ask_user", { question: "Which?" }), "The first.");
    assert.match(await bench.call("ask_user", { question: " " }), /^! "question" is empty/);
    assert.equal(await bench.call("delegate", { task: "this" }), "did this");
  });
});

describe("the instructions of an agent that acts", () => {
  it("stand behind the person's own, once, and can be taken out again", () => {
    assert.equal(withActing("Be brief."), `Be brief.\n\n${actingInstructions}`);
    assert.equal(withActing(withActing("Be brief.")), withActing("Be brief."));
    assert.equal(withActing(""), actingInstructions);
    for (const own of ["", "Be brief.", "A\n\nB"]) assert.equal(withoutActing(withActing(own)), own);
    assert.equal(withoutActing(`Before.\n\n${actingInstructions}\n\nBehind.`), "Before.\n\nBehind.");
    assert.doesNotMatch(actingInstructions, /\d{4}|today|date|time/i);
  });
});
