import assert from "node:assert/strict";
import fc from "fast-check";
import { type CallLine, callDiff, callLine } from "../../../src/protocol/callLines";
import { changedLines, lineDiff } from "../../../src/protocol/lineDiff";
import { callKind, resultTexts } from "../../../src/protocol/toolNames";

const told = ({ verb, target, outcome }: CallLine) => [verb, target, outcome].filter((part) => part).join(" | ");
const line = (name: string, args: Readonly<Record<string, unknown>>, text?: string, failed?: boolean) =>
  told(callLine({ name, arguments: args }, text === undefined ? undefined : { text, ...(failed && { failed }) }));

describe("the line of a call", () => {
  it("says what it does to what, before there is a result", () => {
    assert.equal(line("read_file", { path: "src/a.ts" }), "Read | src/a.ts");
    assert.equal(line("read_file", { path: "src/a.ts", from: 1, to: 80 }), "Read | src/a.ts 1–80");
    assert.equal(line("read_file", { path: "src/a.ts", from: 7 }), "Read | src/a.ts 7–");
    assert.equal(line("read_file", { path: "src/a.ts", from: 7, to: 7 }), "Read | src/a.ts 7");
    assert.equal(line("list_files", {}), "List | .");
    assert.equal(line("search", { text: "x y", path: "src" }), "Search | x y in src");
    assert.equal(line("edit_file", { path: "a", old: "b", new: "c" }), "Edit | a");
    assert.equal(line("write_file", { path: "a", content: "c" }), "Write | a");
    assert.equal(line("run", { command: "npm test\n  && ls" }), "Run | npm test ⏎ && ls");
    assert.equal(line("problems", {}), "Problems");
    assert.equal(line("ask_user", { question: "Why?" }), "Ask | Why?");
    assert.equal(line("delegate", { task: "Look." }), "Delegate | Look.");
    assert.equal(line("fetch_page", { url: "https://example.org", depth: 2 }), "fetch_page | https://example.org");
    assert.equal(line("count", { flag: true, to: 3 }), "count | 3");
  });

  it("says shortly what came of it", () => {
    for (const [name, text, outcome] of [
      ["read_file", "src/a.ts, lines 1-80 of 300:\n1\tx", "300 lines"],
      ["read_file", "src/a.ts, lines 1-1 of 1:\n1\tx", "1 line"],
      ["list_files", "12 files:\na", "12 files"],
      ["list_files", "5000 files or more:\na", "5000 files or more"],
      ["list_files", "Nothing is in src.", "Nothing"],
      ["search", "12 matches in 3 files:\na", "12 matches in 3 files"],
      ["search", "No match in src.", "No match"],
      ["edit_file", "Changed a: b.ts: +3 -1 lines.", "+3 −1"],
      ["write_file", "Made a: +12 -0 lines.", "+12 −0"],
      ["run", "Exit code 0.\nok", "exit 0"],
      ["run", "Exit code -1.\nok", "exit -1"],
      ["run", "Ended after 5 minutes: it", "ended"],
      ["problems", "2 errors, 1 warning:\na", "2 errors, 1 warning"],
      ["problems", "No problems.", "No problems"],
      ["ask_user", "Yes, please.\nAll of it.", "Yes, please."],
      ["delegate", "It is in src/a.ts.", undefined],
      ["fetch_page", "A page", undefined],
    ] as const) {
      assert.equal(callLine({ name, arguments: {} }, { text }).outcome, outcome, text);
    }
  });

  it("says why it failed, and that it was refused or stopped", () => {
    const failed = callLine(
      { name: "edit_file", arguments: {} },
      { text: '"old" is not in a, so nothing was changed. And more.', failed: true },
    );
    assert.deepEqual([failed.outcome, failed.isFailed], ['"old" is not in a, so nothing was changed. And more', true]);
    assert.equal(
      callLine({ name: "run", arguments: {} }, { text: `${resultTexts.denied} Why?`, failed: true }).outcome,
      "refused",
    );
    assert.equal(
      callLine({ name: "x", arguments: {} }, { text: `${resultTexts.stopped} Until`, failed: true }).outcome,
      "stopped",
    );
    assert.equal(callLine({ name: "x", arguments: {} }, { text: "No.", failed: true }).outcome, "failed");
  });

  it("has the kind and the picture of its tool", () => {
    const { kind, icon } = callLine({ name: "run", arguments: {} });
    assert.deepEqual([kind, icon], ["run", "terminal"]);
    assert.deepEqual([callKind("read_file"), callKind("toString"), callKind("fetch")], ["read", "other", "other"]);
  });

  it("is one short line without anything that cannot be seen, whatever a model wrote", () => {
    const value = fc.oneof(
      fc.string({ unit: "binary", maxLength: 500 }),
      fc.double(),
      fc.constant(null),
      fc.object({ maxDepth: 1 }),
      fc.constantFrom("a\nb", "\u202egnp", "\u0000"),
    );
    const name = fc.oneof(
      fc.constantFrom("read_file", "run", "search", "edit_file", "ask_user", "problems"),
      fc.string({ maxLength: 100 }),
    );
    const keys = fc.constantFrom("path", "command", "text", "from", "question", "old", "new");
    fc.assert(
      fc.property(
        name,
        fc.dictionary(keys, value),
        fc.string({ maxLength: 300 }),
        fc.boolean(),
        (tool, args, text, failed) => {
          const { verb, target, outcome = "" } = callLine({ name: tool, arguments: args }, { text, failed });
          for (const part of [verb, target, outcome]) {
            assert.doesNotMatch(part, /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066\u2067]/u);
            assert.ok([...part].length <= 164, part);
          }
        },
      ),
      { seed: Number(process.env["RESIDENT_SEED"] ?? 19), numRuns: 200 },
    );
  });
});

describe("what a call would change", () => {
  it("is told from its arguments", () => {
    const diff = callDiff({ name: "edit_file", arguments: { path: "a", old: "one\ntwo", new: "one\n2" } });
    assert.deepEqual(diff, {
      added: 1,
      removed: 1,
      lines: [
        { kind: "same", text: "one" },
        { kind: "removed", text: "two" },
        { kind: "added", text: "2" },
      ],
    });
    assert.equal(callDiff({ name: "write_file", arguments: { content: "a\nb\n" } })?.added, 2);
    assert.equal(callDiff({ name: "read_file", arguments: {} }), undefined);
  });
});

describe("the difference of two texts", () => {
  const numbers = (count: number) => Array.from({ length: count }, (_, index) => `${index + 1}\n`).join("");

  it("shows changed lines with a little around them, and gaps", () => {
    const { lines, ...counts } = lineDiff(numbers(20), numbers(20).replace("10\n", "ten\n"));
    assert.deepEqual(
      lines.map(({ kind, text }) => `${kind[0]} ${text}`),
      ["g 6 lines", "s 7", "s 8", "s 9", "r 10", "a ten", "s 11", "s 12", "s 13", "g 7 lines"],
    );
    assert.equal(changedLines(counts), "+1 −1");
  });

  it("is all of a new file and of one that goes, and nothing for the same text", () => {
    assert.deepEqual(lineDiff(undefined, "a\r\nb").lines, [
      { kind: "added", text: "a" },
      { kind: "added", text: "b" },
    ]);
    assert.equal(changedLines(lineDiff("a\nb\n", undefined)), "+0 −2");
    assert.deepEqual(lineDiff("", ""), { lines: [], added: 0, removed: 0 });
    assert.deepEqual(
      lineDiff("a\n", "a\n").lines.map(({ kind }) => kind),
      ["gap"],
    );
  });

  it("of long texts is bounded, in lines, in their lengths and in time", () => {
    const started = performance.now();
    const other = numbers(50_000).replaceAll("\n", "x\n");
    const { lines, added, removed } = lineDiff(numbers(50_000), other);
    assert.deepEqual([added, removed], [50_000, 50_000]);
    assert.ok(lines.length <= 401);
    assert.deepEqual(lines.at(-1), { kind: "gap", text: "99600 lines" });
    assert.ok((lineDiff(undefined, "x".repeat(1_000_000)).lines[0]?.text.length ?? 0) < 600);
    assert.ok(performance.now() - started < 10_000);
  });

  it("gives the second text from the first, for any two", () => {
    const texts = fc
      .array(fc.constantFrom("a", "b", "c", ""), { maxLength: 30 })
      .map((list) => list.map((one) => `${one}\n`).join(""));
    fc.assert(
      fc.property(texts, texts, (before, after) => {
        const { lines, added, removed } = lineDiff(before, after);
        const count = (kind: string) => lines.filter((one) => one.kind === kind).length;
        assert.deepEqual([count("added"), count("removed")], [added, removed]);
        if (count("gap") > 0) return;
        const side = (left: string) =>
          lines
            .filter(({ kind }) => kind !== left)
            .map(({ text }) => `${text}\n`)
            .join("");
        assert.deepEqual([side("added"), side("removed")], [before, after]);
      }),
      { seed: Number(process.env["RESIDENT_SEED"] ?? 19), numRuns: 500 },
    );
  });
});
