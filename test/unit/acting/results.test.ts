import assert from "node:assert/strict";
import fc from "fast-check";
import { KeptOutput } from "../../../src/acting/keptOutput";
import { listingText } from "../../../src/acting/listing";
import { roomFor, shareOf, shorter } from "../../../src/acting/resultRoom";
import { beginning, cutText, numberedLines } from "../../../src/acting/results";
import { TerminalText } from "../../../src/acting/terminalText";
import { ResidentError } from "../../../src/common/errors";

const parameters = { seed: Number(process.env["RESIDENT_SEED"] ?? 19), numRuns: 500 };

function plain(...chunks: readonly string[]): string {
  const lines: string[] = [];
  const text = new TerminalText((line) => lines.push(line));
  for (const chunk of chunks) text.push(chunk);
  return [...lines, text.rest].join("\n");
}

describe("what a terminal prints", () => {
  const cases = [
    ["\u001b[1;31mred\u001b[0m text", "red text"],
    ["\u001b]0;a title\u0007after", "after"],
    ["\u001b]8;;https://example.org\u001b\\link\u001b]8;;\u001b\\", "link"],
    ["\u001b]633;C\u0007out\r\n\u001b]633;D;0\u0007", "out\n"],
    ["\u001b(Bplain\u001b=\u001b>", "plain"],
    ["\u001bPq#0;2;0;0;0\u001b\\after", "after"],
    ["\u009b31mred\u009b0m", "red"],
    [" 10%\r 50%\r100%\r\ndone", "100%\ndone"],
    ["\u001b[2K\u001b[1Gfirst\u001b[2K\u001b[1Gsecond", "second"],
    ["abc\b\bX", "aX"],
    ["a\tb\u0007\u0000c", "a\tbc"],
    ["kept \u001b", "kept "],
    ["a\u001b[31\nb", "a\nb"],
    ["a\u001b]never ends\u0018b", "ab"],
  ] as const;

  it("is plain lines, wherever it is cut", () => {
    for (const [printed, expected] of cases) {
      assert.equal(plain(printed), expected, JSON.stringify(printed));
      for (let at = 1; at < printed.length; at++)
        assert.equal(plain(printed.slice(0, at), printed.slice(at)), expected);
      assert.equal(plain(...printed), expected);
    }
  });

  it("never has a control character but tabs, whatever comes in which pieces", () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constantFrom("\u001b", "[", "]", "\u009b", "\u0007", "\r", "\n", "\u001b\\", "31m", "\u0090"),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        const whole = plain(...pieces);
        assert.doesNotMatch(whole, /[^\P{Cc}\t\n]/u);
        assert.equal(plain(pieces.join("")), whole);
      }),
      parameters,
    );
  });

  it("does not vanish behind a control string without an end", () => {
    assert.ok(plain(`\u001b]${"x".repeat(5000)}after`).endsWith("after"));
  });

  it("keeps its beginning and its end within a bound", () => {
    const output = new KeptOutput(1000);
    for (let line = 1; line <= 5000; line++) output.push(`line ${line}\n`);
    const whole = output.whole();
    assert.match(whole, /^line 1\nline 2\n/);
    assert.match(whole, /\[… \d+ lines left out;/);
    assert.ok(whole.endsWith("line 5000"));
    assert.ok(whole.length < 2000);
    const kept = whole.split("\n").filter((line) => line.startsWith("line")).length;
    const left = Number(/\[… (\d+) lines/.exec(whole)?.[1]);
    assert.equal(kept + left, 5000);
    assert.ok(output.end.endsWith("line 5000") && output.end.length <= 4000);
    const short = new KeptOutput(1000);
    short.push("\n\none\ntwo");
    assert.equal(short.whole(), "one\ntwo");
    assert.equal(short.end, "\n\none\ntwo");
  });
});

describe("a text that is too long", () => {
  it("is cut with a note, and never inside a character", () => {
    assert.equal(cutText("abc", 3), "abc");
    assert.equal(cutText("abcdef", 3, "why"), "abc\n[… 3 characters left out: why]");
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 1, max: 20 }), (text, most) => {
        const kept = beginning(text, most);
        assert.ok(text.startsWith(kept) && kept.length <= most);
        assert.doesNotMatch(kept, /[\ud800-\udbff]$/);
      }),
      parameters,
    );
  });

  it("is told in numbered lines, as many as fit", () => {
    assert.deepEqual(numberedLines("a\r\nb\nc", 2, 9, 100), { text: "2\tb\n3\tc", from: 2, to: 3, total: 3 });
    assert.deepEqual(numberedLines("a\nb\nc\n", 1, 9, 8), { text: "1\ta\n2\tb", from: 1, to: 2, total: 3 });
    assert.equal(numberedLines("long line\nb\n", 1, 9, 1).text, "1\tlong line");
    assert.deepEqual(numberedLines("a\n", 5, 9, 10), { text: "", from: 5, to: 4, total: 1 });
  });
});

describe("a list of files", () => {
  const paths = ["b.ts", "src/z.ts", "src/deep/er/a.ts", "src/deep/er/b.ts", "src/deep/c.ts", "empty/", "a.ts"];

  it("has folders first, each file with its path", () => {
    assert.equal(
      listingText(paths, 1000).text,
      "empty/\nsrc/deep/er/a.ts\nsrc/deep/er/b.ts\nsrc/deep/c.ts\nsrc/z.ts\na.ts\nb.ts",
    );
  });

  it("folds the deepest folders until it fits", () => {
    assert.equal(listingText(paths, 72).text, "empty/\nsrc/deep/er/ (2 files)\nsrc/deep/c.ts\nsrc/z.ts\na.ts\nb.ts");
    assert.equal(listingText(paths, 50).text, "empty/\nsrc/deep/ (3 files)\nsrc/z.ts\na.ts\nb.ts");
    assert.equal(listingText(paths, 35).text, "empty/\nsrc/ (4 files)\na.ts\nb.ts");
    assert.equal(listingText(paths, 10).text, "empty/\n[… 3 more here]");
  });
});

describe("the room for results", () => {
  it("is a share of the context and of what is left of it", () => {
    assert.equal(shareOf({ contextTokens: 4096, tokens: 500 }, 1), 1536);
    assert.equal(shareOf({ contextTokens: 32_768, tokens: 500 }, 1), 12_288);
    assert.equal(shareOf({ contextTokens: 32_768, tokens: 500 }, 8), 4608);
    assert.equal(shareOf({ contextTokens: 32_768, tokens: 32_700 }, 1), 600);
    assert.equal(shareOf({ contextTokens: 0, tokens: 0 }, 1), 16_000);
  });

  it("that is too small cuts the long ones", () => {
    const results = [
      { call: "a", text: "x".repeat(1000) },
      { call: "b", text: "short" },
      { call: "c", text: "y".repeat(3000), failed: true },
    ];
    const [a, b, c] = shorter(results, 400, 0);
    assert.deepEqual(b, results[1]);
    assert.match(a?.text ?? "", /^x{240,260}\n\[…/);
    assert.match(c?.text ?? "", /^y{240,260}\n\[…/);
    assert.equal(c?.failed, true);
    const full = new ResidentError("CONTEXT_FULL", "it is full", "rewind", { room: 12 });
    assert.deepEqual([roomFor(full), roomFor(new Error("x"))], [12, undefined]);
  });
});
