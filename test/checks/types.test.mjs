import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { parseSync } from "oxc-parser";
import { assertClean, root, runTool } from "./command.mjs";
import { sourceFiles } from "./imports.mjs";

describe("types", () => {
  for (const [what, project] of [
    ["the extension, the CLI and the core", "tsconfig.json"],
    ["the pages, which have a DOM and no Node", "src/webview/tsconfig.json"],
    ["the tests", "test/tsconfig.json"],
  ]) {
    it(`hold in ${what}`, () => {
      assertClean(runTool("typescript/bin/tsc", ["-p", path.join(root, project)]));
    });
  }
});

/** Places where a source silences the type checker instead of convincing it. */
function evasions(file, text) {
  const { program, comments } = parseSync(file, text, { preserveParens: false });
  const found = comments.filter(({ value }) => /@ts-|biome-ignore/.test(value)).map(({ start }) => start);
  const visit = (node) => {
    if (node === null || typeof node !== "object") return;
    const isDoubleCast = node.type === "TSAsExpression" && node.expression.type === "TSAsExpression";
    if (isDoubleCast || node.type === "TSAnyKeyword" || node.type === "TSNonNullExpression") found.push(node.start);
    for (const child of Object.values(node)) visit(child);
  };
  visit(program);
  return found.map((offset) => `${file}:${text.slice(0, offset).split("\n").length}`);
}

describe("the type checker", () => {
  it("is nowhere silenced in src/", () => {
    const found = sourceFiles(root).flatMap((file) => evasions(file, fs.readFileSync(path.join(root, file), "utf8")));
    assert.deepEqual(found, []);
  });

  for (const text of [
    "export const a = (1 as unknown) as string;",
    "export const a: any = 1;",
    "export const a = [1][0]!;",
    "// @ts-expect-error\nexport const a: string = 1;",
    "// biome-ignore lint/suspicious/noExplicitAny: no\nexport const a = 1;",
  ]) {
    it(`would be found silenced by ${JSON.stringify(text)}`, () => {
      assert.equal(evasions("planted.ts", text).length, 1);
    });
  }
});
