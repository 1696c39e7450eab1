import assert from "node:assert/strict";
import fc from "fast-check";
import { PendingApprovals } from "../../../src/acting/approvals";
import { coversCommand, offeredPrefix, plainWords } from "../../../src/acting/commandWords";
import { type AskedCall, permissionFor } from "../../../src/acting/permissions";
import type { ApprovalSettings, Question } from "../../../src/acting/ports";
import { everythingAsked, nothingAsked } from "../../support/acting/kept";

const parameters = { seed: Number(process.env["RESIDENT_SEED"] ?? 19), numRuns: 2000 };

describe("an allowed beginning of commands", () => {
  it("covers the commands that begin with its words", () => {
    for (const [prefix, command] of [
      ["npm test", "npm test"],
      ["npm test", "npm test -- a"],
      ["npm test", "  npm   test --watch=false src/a.test.ts "],
      ["npm test", "npm test -- 'a b' \"c d\""],
      ["git status", "git status --short"],
      ["npm test", "npm 'test'"],
      ["echo a && echo b", "echo a && echo b"],
    ] as const) {
      assert.ok(coversCommand(prefix, command), command);
    }
  });

  it("covers nothing else", () => {
    for (const command of [
      "npm testing",
      "npm",
      "npm run test",
      "xnpm test",
      "NPM test",
      "npm test && rm -rf /",
      "npm test; rm -rf /",
      "npm test | sh",
      "npm test || true",
      "npm test & rm x",
      "npm test > /etc/passwd",
      "npm test < x",
      "npm test 2>&1",
      "npm test $(rm x)",
      "npm test `rm x`",
      "npm test $HOME",
      "npm test $\u007bIFS}",
      'npm test "$(rm x)"',
      "npm test '$(rm x)'",
      "npm test %PATH%",
      "npm test ^& rm",
      "npm test\nrm x",
      "npm test\r\nrm x",
      "npm test\u2028rm x",
      "npm test # x",
      "npm test {a,b}",
      "npm test *",
      "npm test ?",
      "npm test ~/x",
      "npm test !x",
      "npm test \\\nrm",
      "npm test 'unclosed",
      "npm test @(rm x)",
      "npm test =ls",
      "npm\u00a0test",
      "npm test\u0000",
      "A=b npm test",
      "sudo npm test",
    ]) {
      assert.ok(!coversCommand("npm test", command), JSON.stringify(command));
    }
    for (const prefix of ["", " ", "\n"]) assert.ok(!coversCommand(prefix, "npm test"));
    assert.ok(!coversCommand("echo a && echo b", "echo a && echo b && rm x"));
  });

  it("covers no command with a sign that a shell may act on, whatever it is made of", () => {
    const piece = fc.constantFrom(
      "npm",
      "test",
      " ",
      "&&",
      ";",
      "|",
      ">",
      "$(",
      ")",
      "`",
      "'",
      '"',
      "\\",
      "\n",
      "*",
      "--",
      "a=b",
      "{",
      "$",
      "%",
      "^",
      "#",
      "~",
      "!",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const command = `npm test ${pieces.join("")}`;
        if (!coversCommand("npm test", command)) return;
        assert.doesNotMatch(command, /[&;|<>$`\\\n*{}()%^#~!?[\]]/);
        const quotes = [...command].filter((letter) => letter === "'" || letter === '"').length;
        assert.equal(quotes % 2, 0);
      }),
      parameters,
    );
  });

  it("is offered as words that say what a command does", () => {
    for (const [command, prefix] of [
      ["npm test", "npm test"],
      ["npm test -- src/a", "npm test"],
      ["npm run build --watch", "npm run build"],
      ["npm run build all now", "npm run build"],
      ["cargo test", "cargo test"],
      ["make", "make"],
      ["python3 -m pytest", "python3 -m pytest"],
      ["rm -rf build", "rm -rf build"],
      ["node", "node"],
      ["ls src", "ls src"],
      ["pytest tests/a.py", "pytest tests/a.py"],
      ["cat 'a b'", "cat 'a b'"],
    ] as const) {
      assert.equal(offeredPrefix(command), prefix, command);
      assert.ok(coversCommand(prefix, command));
    }
    for (const command of ["npm test && rm x", "", "echo $HOME", "a\nb"])
      assert.equal(offeredPrefix(command), undefined);
    assert.equal(plainWords("x".repeat(20_000)), undefined);
  });
});

describe("who must agree to a call", () => {
  const call = (kind: AskedCall["kind"], parts: Partial<AskedCall> = {}): AskedCall => ({
    ...{ kind, name: "tool", prepared: {}, again: false },
    ...parts,
  });
  const kindOf = (asked: AskedCall, settings: ApprovalSettings) => permissionFor(asked, settings).kind;

  it("is nobody for reads and delegates, and the person for the rest", () => {
    const kinds = ["read", "delegate", "ask", "write", "run", "other"] as const;
    assert.deepEqual(
      kinds.map((kind) => kindOf(call(kind), everythingAsked)),
      ["allowed", "allowed", "allowed", "asked", "asked", "asked"],
    );
    assert.ok(kinds.every((kind) => kindOf(call(kind), nothingAsked) === "allowed"));
  });

  it("is nobody at all in a workspace that is not trusted", () => {
    const settings = { ...nothingAsked, isTrusted: false };
    for (const kind of ["read", "delegate", "write", "run", "other"] as const) {
      assert.equal(kindOf(call(kind), settings), "refused");
    }
    assert.equal(kindOf(call("ask"), settings), "allowed");
  });

  it("follows the lists of commands and of foreign tools", () => {
    const settings = { ...everythingAsked, commands: ["npm test"], others: ["mine"] };
    assert.equal(kindOf(call("run", { prepared: { command: "npm test -- a" } }), settings), "allowed");
    assert.equal(kindOf(call("run", { prepared: { command: "npm test; rm x" } }), settings), "asked");
    assert.equal(kindOf(call("run"), settings), "asked");
    assert.equal(kindOf(call("other", { name: "mine" }), settings), "allowed");
    assert.equal(kindOf(call("other", { name: "yours" }), settings), "asked");
  });

  it("is the person for what may have run before, and for what decides over the agent", () => {
    for (const kind of ["write", "run", "other"] as const) {
      assert.equal(kindOf(call(kind, { again: true }), nothingAsked), "asked");
      const delicate = permissionFor(call(kind, { prepared: { isDelicate: true } }), nothingAsked);
      assert.ok(delicate.kind === "asked" && !delicate.choices.some(({ way }) => way === "always"));
    }
  });

  it("is asked with choices that say what they do", () => {
    const labels = (asked: AskedCall) => {
      const permission = permissionFor(asked, everythingAsked);
      return permission.kind === "asked" ? permission.choices.map(({ label }) => label) : [];
    };
    assert.deepEqual(labels(call("run", { prepared: { command: "npm test -- a" } })), [
      "Run",
      "Always Run `npm test`",
      "Deny",
    ]);
    assert.deepEqual(labels(call("run", { prepared: { command: "a && b" } })), ["Run", "Deny"]);
    assert.deepEqual(labels(call("other", { name: "fetch" })), ["Run", "Always Run fetch", "Deny"]);
    const change = { file: { folder: 0, path: "a", shown: "a" }, after: "x" };
    assert.deepEqual(labels(call("write", { prepared: { change } })), [
      "Accept",
      "Open Diff",
      "Accept All Edits",
      "Reject",
    ]);
  });
});

describe("the questions that wait", () => {
  const question = (call: string): Question => ({
    agent: "ada",
    call: { id: call, name: "run", arguments: {} },
    kind: "run",
    question: "Run x",
    choices: [
      { way: "allow", label: "Run" },
      { way: "deny", label: "Deny" },
    ],
  });

  it("are answered in any order, once, with what was offered", async () => {
    const approvals = new PendingApprovals();
    let changes = 0;
    approvals.onChange(() => {
      changes += 1;
    });
    const { signal } = new AbortController();
    const [first, second] = [approvals.ask(question("c1"), signal), approvals.ask(question("c2"), signal)];
    assert.deepEqual(
      approvals.questions.map(({ call }) => call.id),
      ["c1", "c2"],
    );
    assert.equal(approvals.decide("ada", "c2", { way: "always" }), false, "that was not offered");
    assert.equal(approvals.decide("bea", "c2", { way: "allow" }), false);
    assert.equal(approvals.decide("ada", "c2", { way: "allow" }), true);
    assert.equal(approvals.decide("ada", "c2", { way: "deny" }), false);
    assert.deepEqual(await second, { way: "allow" });
    assert.equal(approvals.questionOf("ada", "c1")?.question, "Run x");
    approvals.decide("ada", "c1", { way: "deny", text: "no" });
    assert.deepEqual(await first, { way: "deny", text: "no" });
    assert.deepEqual([approvals.questions, changes], [[], 4]);
  });

  it("are withdrawn with their signal", async () => {
    const approvals = new PendingApprovals();
    const abort = new AbortController();
    const asked = approvals.ask(question("c1"), abort.signal);
    abort.abort();
    await assert.rejects(asked, /withdrawn/);
    await assert.rejects(approvals.ask(question("c1"), abort.signal), /ABORTED/);
    assert.deepEqual(approvals.questions, []);
  });
});
