import assert from "node:assert/strict";
import fc from "fast-check";
import { generatePrompt, type PromptFacts } from "../../../src/extension/editor/generatePrompt";
import { lineLabel } from "../../../src/extension/editor/lineLabel";
import { withoutSpace } from "../../../src/extension/editor/selectedRange";
import { selectionChoices } from "../../../src/extension/editor/selectionChoices";
import {
  byteLength,
  maxSurroundingBytes,
  surroundingBytes,
  surroundings,
} from "../../../src/extension/editor/surroundings";

const facts: PromptFacts = {
  action: "insert",
  instruction: "a function that sorts",
  languageId: "typescript",
  fileName: "app.ts",
  prefix: "const a = 1;\n",
  suffix: "\nconst b = 2;",
  selection: "",
};

describe("what is asked for code", () => {
  it("names file and language, shows what stands around the cursor, and ends with the instruction", () => {
    const { system, prompt } = generatePrompt(facts);
    assert.match(system ?? "", /TypeScript.*code block/);
    assert.match(prompt, /app\.ts/);
    assert.ok(prompt.includes("```typescript\nconst a = 1;\n<cursor>\nconst b = 2;\n```"), prompt);
    assert.ok(prompt.endsWith(": a function that sorts"), prompt);
  });

  it("is one sentence where nothing stands around", () => {
    const { prompt } = generatePrompt({ ...facts, prefix: " ", suffix: "\n" });
    assert.equal(prompt, "Write TypeScript code for the file app.ts: a function that sorts");
  });

  it("shows what is rewritten by itself, and what is continued before the cursor", () => {
    const selection = "let c = a;";
    const rewrite = generatePrompt({ ...facts, action: "rewrite", selection, instruction: "use const" }).prompt;
    assert.ok(rewrite.includes("```typescript\nlet c = a;\n```") && rewrite.endsWith("use const"), rewrite);
    const go = generatePrompt({ ...facts, action: "continue", selection, instruction: "" }).prompt;
    assert.ok(go.includes("const a = 1;\nlet c = a;<cursor>\nconst b = 2;"), go);
  });

  it("asks for words where code is explained", () => {
    const { system, prompt } = generatePrompt({ ...facts, action: "explain", instruction: "", selection: "f();" });
    assert.match(system ?? "", /without code/);
    assert.ok(prompt.startsWith("```typescript\nf();\n```"), prompt);
  });

  it("is the person's words alone for a text with nothing around", () => {
    const text = { ...facts, languageId: "markdown", prefix: "", suffix: "" };
    assert.deepEqual(generatePrompt(text), { prompt: "a function that sorts" });
    const { prompt } = generatePrompt({ ...text, prefix: "# Notes\n" });
    assert.ok(prompt.includes("# Notes\n<cursor>") && prompt.endsWith("a function that sorts"), prompt);
  });

  it("fences a file that has fences by more backticks", () => {
    assert.match(generatePrompt({ ...facts, prefix: "```\n" }).prompt, /^````typescript$/m);
  });
});

describe("what is shown of a file", () => {
  it("is at most half of the context, a fixed size, and what a selection leaves", () => {
    assert.equal(surroundingBytes(8192), 4096);
    assert.equal(surroundingBytes(131072), maxSurroundingBytes);
    assert.equal(surroundingBytes(8192, 4000), 96);
    assert.equal(surroundingBytes(8192, 9000), 0);
  });

  it("is whole lines next to the cursor, within the bytes", () => {
    assert.deepEqual(surroundings("a\nb\nc", "d\ne", 100), { prefix: "a\nb\nc", suffix: "d\ne" });
    assert.deepEqual(surroundings("1234\n1234\nab", "cd\n1234\n1234", 12), { prefix: "1234\nab", suffix: "cd" });
    const line = fc.array(fc.constantFrom("a", "b ", "é", "日", "😀"), { maxLength: 5 }).map((parts) => parts.join(""));
    const text = fc.array(line, { maxLength: 8 }).map((lines) => lines.join("\n"));
    fc.assert(
      fc.property(text, text, fc.nat({ max: 60 }), (before, after, bytes) => {
        const { prefix, suffix } = surroundings(before, after, bytes);
        assert.ok(before.endsWith(prefix) && after.startsWith(suffix));
        assert.ok(byteLength(prefix) + byteLength(suffix) <= bytes);
        const isWhole = before.length === prefix.length || prefix === "" || before.at(-prefix.length - 1) === "\n";
        assert.ok(isWhole, JSON.stringify(prefix));
      }),
    );
  });
});

describe("a selection", () => {
  it("is rewritten without the white space at its ends", () => {
    assert.deepEqual(withoutSpace("  f();\n", 10), { start: 12, end: 16 });
    assert.deepEqual(withoutSpace("\n ", 3), { start: 5, end: 5 });
  });

  it("has the lines in its label of which something is selected", () => {
    const label = (...[startLine, line, character]: readonly [number, number, number]) =>
      lineLabel({ start: { line: startLine }, end: { line, character } });
    assert.equal(label(0, 8, 0), "1-8");
    assert.equal(label(0, 8, 1), "1-9");
    assert.equal(label(2, 2, 5), "3");
    assert.equal(label(2, 3, 0), "3");
    assert.equal(label(2, 2, 0), "3");
  });

  it("offers what makes sense, with what was typed", () => {
    const actions = (typed: string, languageId: string) =>
      selectionChoices(typed, languageId).map(({ action }) => action);
    assert.deepEqual(actions("", "typescript"), ["continue", "rewrite", "explain"]);
    assert.deepEqual(actions(" ", "markdown"), ["continue", "rewrite"]);
    const typed = selectionChoices(" use const ", "typescript");
    assert.deepEqual(
      typed.map(({ action, instruction, needsInstruction }) => [action, instruction, needsInstruction]),
      [
        ["rewrite", "use const", false],
        ["continue", "use const", false],
      ],
    );
  });
});
