import assert from "node:assert/strict";
import type { LiveCall } from "../../../src/protocol/acting";
import { ActingRig } from "../../support/acting/actingRig";
import { everythingAsked } from "../../support/acting/kept";
import { inTurn, type ScriptedAnswer } from "../../support/acting/scriptedModel";
import { inFolder } from "../../support/store/fakes";

const add = "export function add(a: number, b: number): number {\n  return a - b;\n}\n";
const fixed = add.replace("a - b", "a + b");

const edit = (path: string, old: string, fresh: string): NonNullable<ScriptedAnswer["calls"]>[number] => [
  "edit_file",
  { path, old, new: fresh },
];
const read = (path: string): NonNullable<ScriptedAnswer["calls"]>[number] => ["read_file", { path }];

/** The states that a call went through, each once. */
function statesOf(rig: ActingRig, call: string): readonly LiveCall["state"][] {
  const all = rig.states.flatMap(({ calls }) => calls.filter((one) => one.call === call).map(({ state }) => state));
  return all.filter((state, index) => state !== all[index - 1]);
}

describe("an agent that acts", function () {
  this.timeout(20_000);

  it("answers a question from files, both reads at once", () =>
    inFolder(async (home) => {
      const rig = new ActingRig(
        home,
        inTurn({ calls: [["search", { text: "port" }], read("src/a.ts")] }, { text: "It is 8080." }),
        { files: { "src/a.ts": "export const port = 8080;\n" } },
      );
      const id = await rig.create();
      assert.equal(await rig.ask(id, "Which port?"), "answered");
      assert.deepEqual(await rig.results(id), [
        "1 match in 1 file:\nsrc/a.ts\n1\texport const port = 8080;",
        "src/a.ts, lines 1-1 of 1:\n1\texport const port = 8080;",
      ]);
      assert.ok(rig.states.some(({ calls }) => calls.filter(({ state }) => state === "running").length === 2));
      assert.deepEqual(rig.acting.state(id), { calls: [] });
      assert.deepEqual(rig.errors, []);
      await rig.close();
    }));

  it("fixes a failing test: runs it, reads, edits, runs it again", () =>
    inFolder(async (home) => {
      const rig = new ActingRig(
        home,
        inTurn(
          { text: "I run the tests.", calls: [["run", { command: "npm test" }]] },
          { calls: [read("src/add.ts")] },
          { calls: [edit("src/add.ts", "return a - b;", "return a + b;")] },
          { calls: [["run", { command: "npm test" }]] },
          { text: "It was a sign." },
        ),
        { files: { "src/add.ts": add } },
      );
      rig.commands.known.set("npm test", () =>
        rig.workspace.text("src/add.ts") === fixed
          ? { output: "\u001b[32m1 passing\u001b[0m\r\n", exitCode: 0 }
          : { output: "\u001b[31mexpected 3, got -1\u001b[0m\r\n", exitCode: 1 },
      );
      const id = await rig.create();
      assert.equal(await rig.ask(id, "Fix the test."), "answered");
      assert.equal(rig.workspace.text("src/add.ts"), fixed);
      const results = await rig.results(id);
      assert.deepEqual(results, [
        "Exit code 1.\nexpected 3, got -1",
        "src/add.ts, lines 1-3 of 3:\n1\texport function add(a: number, b: number): number {\n2\t  return a - b;\n3\t}",
        "Changed src/add.ts: +1 -1 lines.",
        "Exit code 0.\n1 passing",
      ]);
      const turns = await rig.turns(id);
      assert.equal((await rig.detail(id)).turnCount, 1);
      for (const [index, { figures, results: given = [] }] of turns.entries()) {
        const before = turns[index - 1]?.figures;
        if (figures === undefined || before === undefined) continue;
        // What the step before read and said is kept; the result with its frame is read. The fake device keeps whole blocks.
        const kept = before.promptTokens + before.generatedTokens;
        const frame = "\n<tool>\n<assistant>".length;
        const length = given.reduce((sum, { text }) => sum + text.length, 0);
        assert.ok(figures.promptTokens - kept <= length + frame, "nothing else is in the prompt");
        assert.ok(figures.prefilledTokens <= length + frame + 64, `step ${index} read ${figures.prefilledTokens}`);
      }
      await rig.close();
    }));

  it("renames across three files, one write after the other, and adds a function", () =>
    inFolder(async (home) => {
      const files = ["a", "b", "c"].map((name) => `${name}.ts`);
      const rig = new ActingRig(
        home,
        inTurn(
          { calls: [["search", { text: "oldName" }]] },
          { calls: files.map((path) => edit(path, "oldName", "newName")) },
          { calls: [["write_file", { path: "d.ts", content: "export const d = 1;\n" }], read("d.ts")] },
          { text: "Done." },
        ),
        { files: Object.fromEntries(files.map((path) => [path, `oldName(); // ${path}\n`])) },
      );
      const id = await rig.create();
      await rig.ask(id, "Rename.");
      for (const path of files) assert.equal(rig.workspace.text(path), `newName(); // ${path}\n`);
      assert.deepEqual(
        rig.workspace.written.map(({ file }) => file.path),
        [...files, "d.ts"],
      );
      const results = await rig.results(id);
      assert.equal(results[0]?.split("\n")[0], "3 matches in 3 files:");
      // A look behind a write sees what was written.
      assert.deepEqual(results.slice(-2), ["Made d.ts: +1 -0 lines.", "d.ts, lines 1-1 of 1:\n1\texport const d = 1;"]);
      await rig.close();
    }));

  it("is taught where it may not write, where its quote is wrong and where a document changed meanwhile", () =>
    inFolder(async (home) => {
      const rig = new ActingRig(
        home,
        inTurn(
          { calls: [["write_file", { path: "../out.txt", content: "x" }]] },
          { calls: [read("src/add.ts")] },
          { calls: [edit("src/add.ts", "return a * b;", "return a + b;")] },
          {
            calls: [edit("src/add.ts", "return a - b;", "return a + b;")],
            meanwhile: () => rig.workspace.files.set("src/add.ts", `// mine\n${add}`),
          },
          { calls: [edit("src/add.ts", "return a - b;", "return a + b;")] },
          { text: "Done." },
        ),
        { files: { "src/add.ts": add } },
      );
      const id = await rig.create();
      await rig.ask(id, "Go.");
      const results = await rig.results(id);
      assert.match(results[0] ?? "", /outside of the workspace/);
      assert.match(results[2] ?? "", /^"old" is not in src\/add\.ts, so nothing was changed\./);
      assert.match(results[2] ?? "", /2\t {2}return a - b;/);
      assert.match(
        results[3] ?? "",
        /was changed since you read it, so nothing was written\. Now it is:\n1\t\/\/ mine/,
      );
      assert.equal(results[4], "Changed src/add.ts: +1 -1 lines.");
      assert.equal(rig.workspace.text("src/add.ts"), `// mine\n${fixed}`);
      assert.equal(rig.workspace.files.size, 1);
      await rig.close();
    }));
});

describe("what the person must agree to", function () {
  this.timeout(20_000);

  it("waits, with the diff; the result follows the decision", () =>
    inFolder(async (home) => {
      const rig = new ActingRig(
        home,
        inTurn(
          { calls: [read("src/add.ts"), edit("src/add.ts", "a - b", "a + b")] },
          {
            calls: [
              ["run", { command: "npm test" }],
              ["run", { command: `rm -rf build\n${"x".repeat(600)}` }],
            ],
          },
          { text: "You did not want that." },
        ),
        { files: { "src/add.ts": add } },
      );
      rig.disk.permissions.now = everythingAsked;
      rig.commands.known.set("npm test", () => ({ output: "ok\n", exitCode: 0 }));
      const id = await rig.create();
      const end = rig.ask(id, "Go.");
      const [question] = await rig.question();
      assert.equal(question?.question, "Edit src/add.ts (+1 −1)");
      assert.deepEqual(
        question?.choices.map(({ label }) => label),
        ["Accept", "Open Diff", "Accept All Edits", "Reject"],
      );
      assert.deepEqual(
        question?.diff?.filter(({ kind }) => kind !== "same"),
        [
          { kind: "removed", text: "  return a - b;" },
          { kind: "added", text: "  return a + b;" },
        ],
      );
      assert.equal(rig.acting.state(id).calls[1]?.state, "waiting");
      // What is known already is read meanwhile.
      assert.deepEqual(
        rig.aheads.map(({ results }) => results.length),
        [1],
      );
      assert.equal(rig.workspace.text("src/add.ts"), add);
      await rig.decide(id, { way: "allow" });
      assert.equal((await rig.question())[0]?.question, "Run npm test");
      await rig.decide(id, { way: "always" });
      // All of a command is shown, however long it is.
      assert.equal((await rig.question())[0]?.question, `Run rm -rf build ⏎ ${"x".repeat(600)}`);
      await rig.decide(id, { way: "deny", text: "Keep the build." });
      assert.equal(await end, "answered");
      assert.equal(rig.workspace.text("src/add.ts"), fixed);
      assert.deepEqual(rig.disk.permissions.rules, [{ kind: "run", prefix: "npm test" }]);
      assert.deepEqual(rig.commands.ran, ["npm test"]);
      assert.deepEqual((await rig.results(id)).slice(-2), [
        "Exit code 0.\nok",
        "The person refused this. The person says: Keep the build.",
      ]);
      assert.deepEqual(statesOf(rig, "c4"), ["queued", "waiting", "denied"]);
      await rig.close();
    }));

  it("lets the engine read meanwhile what is known already", () =>
    inFolder(async (home) => {
      const rig = new ActingRig(
        home,
        inTurn({ calls: [read("long.txt"), edit("long.txt", "line 7\n", "seven\n")] }, { text: "Done." }),
        { files: { "long.txt": Array.from({ length: 60 }, (_, index) => `line ${index}\n`).join("") } },
      );
      rig.disk.permissions.now = everythingAsked;
      const id = await rig.create();
      const end = rig.ask(id, "Go.");
      await rig.question();
      await rig.lastAhead;
      await rig.decide(id, { way: "allow" });
      await end;
      const [first, second] = await rig.turns(id);
      const known = second?.results?.[0]?.text.length ?? 0;
      assert.ok(known > 300);
      const { promptTokens = 0, generatedTokens = 0 } = first?.figures ?? {};
      // The fake device keeps whole blocks.
      assert.ok((second?.figures?.reusedTokens ?? 0) > promptTokens + generatedTokens + known - 64);
      await rig.close();
    }));

  it("may be less than was asked: the model is told what was not taken", () =>
    inFolder(async (home) => {
      const rig = new ActingRig(home, inTurn({ calls: [edit("a.txt", "one\ntwo\n", "1\n2\n")] }, { text: "Fine." }), {
        files: { "a.txt": "one\ntwo\nthree\n" },
      });
      rig.disk.permissions.now = everythingAsked;
      const id = await rig.create();
      const end = rig.ask(id, "Go.");
      await rig.decide(id, { way: "allow", text: "1\ntwo\nthree\n" });
      await end;
      assert.equal(rig.workspace.text("a.txt"), "1\ntwo\nthree\n");
      assert.equal(
        (await rig.results(id))[0],
        'Changed a.txt: +1 -1 lines.\nThe person took it with changes. What differs, "-" theirs and "+" yours:\n- two\n+ 2',
      );
      await rig.close();
    }));

  it("is nothing in a workspace that is not trusted: all is refused, and only a question is asked", () =>
    inFolder(async (home) => {
      const rig = new ActingRig(
        home,
        inTurn(
          { calls: [read("a.txt"), ["run", { command: "ls" }], ["ask_user", { question: "Shall I go on?" }]] },
          { text: "I see." },
        ),
        { files: { "a.txt": "secret" } },
      );
      rig.disk.permissions.now = { ...everythingAsked, isTrusted: false, run: "never" };
      const id = await rig.create();
      const end = rig.ask(id, "Go.");
      const [question] = await rig.question();
      assert.deepEqual([question?.kind, question?.question], ["ask", "Shall I go on?"]);
      await rig.decide(id, { way: "answer", text: "Yes, please." });
      await end;
      const results = await rig.results(id);
      for (const result of results.slice(0, 2)) assert.match(result, /does not trust this workspace/);
      assert.equal(results[2], "Yes, please.");
      assert.deepEqual(rig.commands.ran, []);
      await rig.close();
    }));

  it("is asked with all that a foreign tool is given", () =>
    inFolder(async (home) => {
      const rig = new ActingRig(
        home,
        inTurn({ calls: [["post", { to: "all", text: "Hi\u202e" }]] }, { text: "Sent." }),
        {
          tools: [{ name: "post", description: "Posts a text." }],
        },
      );
      rig.others.tools.set("post", () => "posted");
      rig.disk.permissions.now = everythingAsked;
      const id = await rig.create();
      const end = rig.ask(id, "Go.");
      assert.equal((await rig.question())[0]?.question, 'Run post {"to":"all","text":"Hi⟨U+202E⟩"}');
      await rig.decide(id, { way: "always" });
      await end;
      assert.deepEqual(rig.disk.permissions.rules, [{ kind: "other", tool: "post" }]);
      assert.deepEqual(await rig.results(id), ["posted"]);
      await rig.close();
    }));

  it("is asked for settings of the workspace even where nothing else is asked", () =>
    inFolder(async (home) => {
      const rig = new ActingRig(
        home,
        inTurn({ calls: [["write_file", { path: ".vscode/settings.json", content: "{}" }]] }, { text: "Well." }),
      );
      const id = await rig.create();
      const end = rig.ask(id, "Go.");
      const [question] = await rig.question();
      assert.ok(!question?.choices.some(({ way }) => way === "always"));
      await rig.decide(id, { way: "deny" });
      await end;
      assert.equal(rig.workspace.files.size, 0);
      await rig.close();
    }));
});

describe("a stop", function () {
  this.timeout(20_000);

  it("ends a command that hangs; what was done is in the conversation, and the next message goes on from there", () =>
    inFolder(async (home) => {
      const calls = [
        ["write_file", { path: "a.txt", content: "a\n" }],
        ["run", { command: "sleep" }],
        read("a.txt"),
      ] as const;
      const rig = new ActingRig(home, (heard) => {
        if (heard.includes("Why?")) return { text: "You stopped me." };
        return heard.includes("Made") ? { text: "x", isEndless: true } : { calls };
      });
      rig.commands.known.set("sleep", () => "hang");
      const id = await rig.create();
      const end = rig.ask(id, "Go.");
      while (rig.commands.ran.length === 0) await new Promise((resolve) => setImmediate(resolve));
      await rig.acting.stop(id);
      assert.equal(await end, "stopped");
      assert.equal(rig.commands.ended, 1);
      assert.deepEqual(rig.acting.state(id), { calls: [] });
      assert.deepEqual(await rig.results(id), [
        "Made a.txt: +1 -0 lines.",
        "The person stopped this. Until then it printed:\nstarted",
        "The person stopped this.",
      ]);
      assert.equal(await rig.ask(id, "Why?"), "answered");
      assert.match(rig.model.heard.at(-1) ?? "", /Made a\.txt: \+1 -0 lines\.[\s\S]*Why\?/);
      await rig.close();
    }));

  it("takes a question back, and what never ran is not told as done", () =>
    inFolder(async (home) => {
      const rig = new ActingRig(home, inTurn({ calls: [["run", { command: "npm test" }]] }, { text: "Fine." }));
      rig.disk.permissions.now = everythingAsked;
      const id = await rig.create();
      const end = rig.ask(id, "Go.");
      await rig.question();
      await rig.acting.stop(id);
      assert.equal(await end, "stopped");
      assert.deepEqual(rig.approvals.questions, []);
      assert.equal((await rig.detail(id)).waitsFor, 1);
      await rig.ask(id, "Never mind.");
      assert.match(rig.model.heard.at(-1) ?? "", /This was not run\.\n<user>Never mind\./);
      await rig.close();
    }));

  it("does not wait long for a tool that hears nothing", () =>
    inFolder(async (home) => {
      const rig = new ActingRig(home, inTurn({ calls: [["foreign", {}]] }), {
        tools: [{ name: "foreign", description: "Never ends." }],
      });
      let hasBegun = false;
      rig.others.has = () => true;
      rig.others.run = () => {
        hasBegun = true;
        return new Promise(() => {});
      };
      const id = await rig.create();
      const end = rig.ask(id, "Go.");
      while (!hasBegun) await new Promise((resolve) => setImmediate(resolve));
      const stopped = rig.acting.stop(id);
      rig.clock.pass(3000);
      await stopped;
      assert.equal(await end, "stopped");
      await rig.close();
    }));

  it("ends an answer that goes on and on", () =>
    inFolder(async (home) => {
      const rig = new ActingRig(home, inTurn({ text: "Well", isEndless: true }));
      const id = await rig.create();
      const running = await rig.agents.agents.send(id, { text: "Go." });
      const end = rig.acting.follow(id);
      running.onEvent((event) => {
        if (event.type === "text") void rig.acting.stop(id);
      });
      assert.equal(await end, "stopped");
      const { answer = "" } = (await rig.turns(id))[0] ?? {};
      assert.ok(answer.startsWith("Well") && answer.length < 60, answer);
      await rig.close();
    }));

  it("is not needed for a command that takes too long", () =>
    inFolder(async (home) => {
      const rig = new ActingRig(home, inTurn({ calls: [["run", { command: "yes" }]] }, { text: "It hung." }));
      rig.commands.known.set("yes", () => "hang");
      const id = await rig.create();
      const end = rig.ask(id, "Go.");
      while (rig.commands.ran.length === 0) await new Promise((resolve) => setImmediate(resolve));
      rig.clock.pass(5 * 60_000);
      assert.equal(await end, "answered");
      assert.match((await rig.results(id))[0] ?? "", /^Ended after 5 minutes.*\nstarted$/);
      await rig.close();
    }));
});
