import assert from "node:assert/strict";
import fc from "fast-check";
import type { AnswerText } from "../../../src/extension/editor/answerText";
import { CodeText } from "../../../src/extension/editor/codeText";
import { CommentText } from "../../../src/extension/editor/commentText";
import { commentMarks } from "../../../src/extension/editor/languages";
import { type Place, placement, replacement } from "../../../src/extension/editor/placement";
import { ProseText } from "../../../src/extension/editor/proseText";

const empty: Place = { languageId: "typescript", before: "", after: "", unit: "  " };

/** What becomes of an answer, whole or in pieces. */
function textOf(text: AnswerText, pieces: readonly string[]): string {
  return pieces.map((piece) => text.push(piece)).join("") + text.end();
}

function code(answer: string, place: Partial<Place> = {}, repeated?: string): string {
  return textOf(codeAt(place, repeated), [answer]);
}

function codeAt(parts: Partial<Place> = {}, repeated?: string): CodeText {
  const place = { ...empty, ...parts };
  const { languageId, unit, before } = place;
  return new CodeText({
    languageId,
    unit,
    before,
    placement: placement(place),
    ...(repeated === undefined ? {} : { repeated }),
  });
}

const body = "function f() {\n  return 1;\n}";

describe("the code of an answer", () => {
  it("comes without its fences, without words before them and without all that follows", () => {
    const answers = [
      `\`\`\`typescript\n${body}\n\`\`\`\n\nThis function returns 1.`,
      `\`\`\`\n${body}\n\`\`\``,
      `~~~ts\n${body}\n~~~\n`,
      `\`\`\`\`ts\n${body}\n\`\`\`\`\nmore`,
      `Here is the function:\n\n\`\`\`ts\n${body}\n\`\`\``,
      `Sure! Here is the code: \`\`\`ts\n${body}\n\`\`\``,
      `# Solution\n\n1. First a function.\n\n\`\`\`ts\n${body}\n\`\`\`\n\`\`\`ts\nf();\n\`\`\``,
      `<think>\nA function. \`\`\`ts\nno\n\`\`\`\n</think>\n\n\`\`\`ts\n${body}\n\`\`\``,
      `\`\`\`ts\r\n${body.replaceAll("\n", "\r\n")}\r\n\`\`\`\r\n`,
      `\`\`\`ts\n${body}\`\`\`\nThis is it.`,
      `\`\`\`ts\n${body}\n\`\`\` This is it.`,
      `\`\`\`ts\n\n${body}\n\n\`\`\``,
      `\`\`\`ts\n${body}`,
      body,
      `${body}\n`,
      `${body}\n\`\`\`\n\nThis function returns 1.`,
    ];
    for (const answer of answers) assert.equal(code(answer), body, answer);
  });

  it("is what stands between fences on one line", () => {
    assert.equal(code("```const x = 1;```"), "const x = 1;");
  });

  it("keeps fences that are part of it", () => {
    const python = 'text = """\n```js\nf()\n```\n"""';
    assert.equal(code(`\`\`\`python\n${python}\n\`\`\`\nwords`, { languageId: "python" }), python);
    const quoted = "/** ```ts\n * f()\n * ```\n */\nfunction f() {}";
    assert.equal(code(`\`\`\`ts\n${quoted}\n\`\`\``), quoted);
    const longer = "const a = 1;\n```\nconst b = 2;";
    assert.equal(code(`\`\`\`\`ts\n${longer}\n\`\`\`\``), longer);
  });

  it("has sentences around code without a fence as comments", () => {
    assert.equal(
      code(`Here is the function:\n\n${body}\n\nThis function returns 1.\nIt takes nothing.`),
      `// Here is the function:\n\n${body}\n\n// This function returns 1.\n// It takes nothing.`,
    );
    assert.equal(
      code("I cannot write that code for you.", { languageId: "python" }),
      "# I cannot write that code for you.",
    );
  });

  it("keeps sentences in comments and docstrings as they are", () => {
    const answers = [
      "/**\n * Returns the largest number.\n */\nfunction f() {}",
      "/*\nReturns the largest number.\n*/\nfunction f() {}",
      '"""\nReturns the largest number.\n"""\ndef f():\n  pass',
    ];
    for (const answer of answers) assert.equal(code(answer), answer);
  });

  it("takes no line of code for words", () => {
    const lines = [
      "Foo.bar()",
      "SELECT name FROM people",
      "String name = null;",
      "Some(x) => x,",
      "MOVE A TO B.",
      "class Foo:",
      "Resources:",
      "Dim x As Integer",
      "import os",
    ];
    for (const line of lines) assert.equal(code(`${line}\n\n${line}`), `${line}\n\n${line}`);
  });

  it("ends with its closing fence: nothing more is asked of the model", () => {
    const text = codeAt();
    text.push("```ts\nf();\n``");
    assert.equal(text.ended, false);
    text.push("`\n");
    assert.equal(text.ended, true);
  });

  it("is the same however the answer is split", () => {
    const line = fc.constantFrom(
      ...[
        "```",
        "```ts",
        "````",
        "~~~",
        "Here is the code:",
        "f();",
        "",
        "  g();",
        "\tif (x) {",
        "}",
        "const s = `",
        "# a",
      ],
      ...["Sure!", "```f()```", "words ```ts", "}```", "<think>", "</think>", "This function returns 1."],
    );
    const answer = fc.array(line, { maxLength: 14 }).map((lines) => lines.join("\n"));
    const place = fc.record({
      before: fc.constantFrom("", "    ", "  const x = ", "foo();", "function f() {"),
      after: fc.constantFrom("", "}", "  bar();"),
    });
    fc.assert(
      fc.property(answer, place, fc.array(fc.nat({ max: 120 })), (whole, around, cuts) => {
        const at = [0, ...cuts.filter((cut) => cut < whole.length).sort((a, b) => a - b), whole.length];
        const pieces = at.slice(1).map((end, index) => whole.slice(at[index], end));
        assert.equal(pieces.join(""), whole);
        assert.equal(textOf(codeAt(around), pieces), code(whole, around));
      }),
    );
  });
});

describe("generated code at its place", () => {
  it("has the indentation of the cursor's line, in the editor's tabs or spaces", () => {
    const answer = `\`\`\`ts\n${body}\n\`\`\``;
    assert.equal(code(answer, { before: "    " }), "function f() {\n      return 1;\n    }");
    assert.equal(code(answer, { before: "\t", unit: "\t" }), "function f() {\n\t\treturn 1;\n\t}");
    assert.equal(code(answer, { unit: "    " }), "function f() {\n    return 1;\n}");
    assert.equal(code("if (x) {\n\tf();\n}", { unit: "  " }), "if (x) {\n  f();\n}");
    assert.equal(code("    a();\n      b();\n    c();"), "a();\n  b();\nc();");
  });

  it("does not take the star of a comment for a level", () => {
    const commented = "/**\n * One.\n */\nfunction f() {\n    return 1;\n}";
    assert.equal(code(commented), "/**\n * One.\n */\nfunction f() {\n  return 1;\n}");
  });

  it("takes the indentation of an empty line from the lines around it", () => {
    const at = (above: string, below: string | undefined, languageId = "typescript") =>
      code("a\nb", { above, languageId, unit: "    ", ...(below === undefined ? {} : { below }) });
    assert.equal(at("    x();", "}"), "    a\n    b");
    assert.equal(at("function f() {", "}"), "    a\n    b");
    assert.equal(at("}", "function g() {"), "a\nb");
    assert.equal(at("    return x", undefined, "python"), "a\nb");
    assert.equal(at("    x = 1", "    return x", "python"), "    a\n    b");
    assert.equal(at("    return x", "def g():", "python"), "a\nb");
  });

  it("goes on in a line that is not complete, without what stands there already", () => {
    assert.equal(code("() => {\n  f();\n}", { before: "  const g = " }), "() => {\n    f();\n  }");
    assert.equal(code("const g = 1;", { before: "const g = " }), "1;");
    assert.equal(code("array.map(f)", { before: "a" }), "array.map(f)");
  });

  it("begins a line of its own behind one that is complete, and leaves what follows on its own line", () => {
    assert.equal(code("b();", { before: "  a();" }), "\n  b();");
    assert.equal(code("b();", { before: "// sorts" }), "\nb();");
    assert.equal(code("b", { before: "# sorts", languageId: "python" }), "\nb");
    assert.equal(code("return 1;", { before: "function f() {", after: "}" }), "\n  return 1;\n");
    assert.equal(code("return 1", { before: "def f():", languageId: "python", unit: "    " }), "\n    return 1");
    assert.equal(code("a();", { after: "b();" }), "a();\n");
  });

  it("replaces a selection where it stands", () => {
    const before = "    ";
    const text = new CodeText({ languageId: "typescript", unit: "  ", before, placement: replacement(before) });
    assert.equal(textOf(text, [`\`\`\`ts\n${body}\n\`\`\``]), "function f() {\n      return 1;\n    }");
  });

  it("goes on behind lines that the model repeats", () => {
    const selected = "  function f() {\n    a();";
    const place = { before: "    a();", unit: "  " };
    assert.equal(code("```ts\nfunction f() {\n  a();\n  b();\n}\n```", place, selected), "\n    b();\n  }");
    assert.equal(code("b();", place, selected), "\n    b();");
  });
});

describe("generated words", () => {
  it("go into a text as they are, fences and all", () => {
    const answer = "Words.\n\n```ts\nf();\n```\n";
    assert.equal(textOf(new ProseText(), ["Wor", answer.slice(3)]), answer);
  });

  it("go on in the line that the model repeats, and else on a line of their own", () => {
    const repeated = "The capital is";
    const written = (...pieces: string[]) => textOf(new ProseText({ before: "\n", repeated }), pieces);
    assert.equal(written("The cap", "ital is Paris."), " Paris.");
    assert.equal(written("Paris", "."), "\nParis.");
    assert.equal(written("The c", "ountry."), "\nThe country.");
    assert.equal(written("The c"), "\nThe c");
    assert.equal(written(""), "");
  });

  it("become comments above code, in lines that can be read", () => {
    const explained = (answer: string, languageId: string) =>
      textOf(new CommentText("  ", commentMarks(languageId)), [answer]);
    assert.equal(
      explained("Adds numbers.\n\nReturns the sum.", "typescript"),
      "// Adds numbers.\n  // Returns the sum.\n  ",
    );
    assert.equal(explained("```\n# Adds.\n```", "python"), "# Adds.\n  ");
    assert.equal(explained("<!-- A list. -->", "html"), "<!-- A list. -->\n  ");
    const lines = explained("word ".repeat(60), "typescript").trimEnd().split("\n");
    assert.ok(lines.length === 4 && lines.every((line) => line.trim().length <= 83));
  });
});
