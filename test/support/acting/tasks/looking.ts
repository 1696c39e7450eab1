/** Tasks that change nothing: the answer is looked at. */
import { changedPaths, type Task, type TaskEnd } from "./task";

const sumTests = `import assert from "node:assert/strict";
import { test } from "node:test";
import { sum } from "../src/sum.mjs";

test("adds two numbers", () => assert.equal(sum([1, 2]), 3));
test("adds nothing", () => assert.equal(sum([]), 0));
test("adds negative numbers", () => assert.equal(sum([-1, -2]), -3));
test("adds fractions", () => assert.equal(sum([0.5, 0.25]), 0.75));
test("adds one number", () => assert.equal(sum([8]), 8));
test("adds zeros", () => assert.equal(sum([0, 0]), 0));
test("adds large numbers", () => assert.equal(sum([1e9, 1e9]), 2e9));
`;

const sum = `export function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}
`;

/** Nothing was changed, and the answer is words: a call that is written as text says nothing to a person. */
const isSaid = (task: Task, end: TaskEnd) =>
  changedPaths(task, end).length === 0 && !/"(?:name|arguments)"\s*:/.test(end.answer);

export const countTests: Task = {
  name: "count tests",
  isHeldOut: false,
  files: { "src/sum.mjs": sum, "tests/sum.test.mjs": sumTests },
  message: "How many tests are in tests/sum.test.mjs?",
  firstCall: ["read_file", /sum\.test\.mjs/],
  tools: ["read_file"],
  isDone: (end) => isSaid(countTests, end) && /\b(?:7|seven)\b/i.test(end.answer),
};

export const listFolder: Task = {
  name: "list a folder",
  isHeldOut: false,
  files: {
    "README.md": "# Weather\n",
    "src/forecast.js": "export const forecast = () => 'rain';\n",
    "src/station.js": "export const station = 'north';\n",
    "src/units.js": "export const celsius = (f) => ((f - 32) * 5) / 9;\n",
  },
  message: "Which files are in the folder src?",
  firstCall: ["list_files", /"src\/?"/],
  tools: ["list_files"],
  isDone: (end) =>
    isSaid(listFolder, end) &&
    ["forecast.js", "station.js", "units.js"].every((name) => end.answer.includes(name)) &&
    !end.answer.includes("README"),
};

export const runAndSay: Task = {
  name: "run and say",
  isHeldOut: false,
  files: {
    "check.mjs": "const parts = [41, 17, 76];\nconsole.log('checksum ' + parts.map((part) => part * 3).join('-'));\n",
  },
  message: "Run `node check.mjs` and tell me what it prints.",
  firstCall: ["run", /node check\.mjs/],
  tools: ["run"],
  isDone: (end) => isSaid(runAndSay, end) && end.answer.includes("123-51-228"),
};

export const findFunction: Task = {
  name: "find a function",
  isHeldOut: true,
  files: {
    "src/body.ts": "export function readBody(text: string) {\n  return text.trim();\n}\n",
    "src/head.ts":
      "import { splitLine } from './lines';\n\nexport const readHead = (text: string) => splitLine(text)[0];\n",
    "src/lines.ts": "export function splitLine(line: string) {\n  return line.split(': ');\n}\n",
    "src/main.ts": "import { readBody } from './body';\n\nconsole.log(readBody('  hello '));\n",
  },
  message: "In which file is the function splitLine defined?",
  firstCall: ["search", /splitLine/],
  tools: ["search"],
  isDone: (end) =>
    isSaid(findFunction, end) && end.answer.includes("lines.ts") && !/(?:head|main|body)\.ts/.test(end.answer),
};

export const nameProblem: Task = {
  name: "name a problem",
  isHeldOut: true,
  files: {
    "app.ts": 'import { port } from "./settings";\n\nconst shown: number = "port " + port;\nconsole.log(shown);\n',
    "settings.ts": "export const port = 8080;\n",
  },
  problems: [{ path: "app.ts", line: 3, message: "Type 'string' is not assignable to type 'number'." }],
  message: "What problem does app.ts have?",
  firstCall: ["problems", /app\.ts|^\{\}$/],
  tools: ["problems"],
  isDone: (end) => isSaid(nameProblem, end) && /string/i.test(end.answer) && /number/i.test(end.answer),
};
