/** Tasks that change files: the files are looked at, and nothing else may be changed. */
import { changedOnly, type Task } from "./task";

export const changeGreeting: Task = {
  name: "change a greeting",
  isHeldOut: false,
  files: {
    "hello.py": 'import sys\n\n\ndef greet():\n    print("Hello, world!")\n    return 0\n\n\nsys.exit(greet())\n',
  },
  message: 'Change the greeting in hello.py to "Good morning, Ada!"',
  firstCall: ["read_file", /hello\.py/],
  tools: ["read_file", "edit_file"],
  isDone: (end) =>
    end.files["hello.py"] === changeGreeting.files["hello.py"]?.replace("Hello, world!", "Good morning, Ada!") &&
    changedOnly(changeGreeting, end, "hello.py"),
};

export const fixCheck: Task = {
  name: "fix a check",
  isHeldOut: false,
  files: {
    "area.mjs": "export function area(width, height) {\n  return width + height;\n}\n",
    "area.check.mjs":
      'import assert from "node:assert/strict";\nimport { area } from "./area.mjs";\n\nassert.equal(area(3, 4), 12, "the area of 3 by 4 is 12");\nconsole.log("passed");\n',
  },
  message: "`node area.check.mjs` fails. Find the mistake in area.mjs and fix it, so that the check passes.",
  firstCall: ["read_file", /area\.mjs/],
  tools: ["read_file", "edit_file", "run"],
  isDone: async (end) => changedOnly(fixCheck, end, "area.mjs") && (await end.exitCode("node area.check.mjs")) === 0,
};

export const writeNotes: Task = {
  name: "write a file",
  isHeldOut: true,
  files: { "week.md": "# Notes of the week\n" },
  message: "Write a file notes.txt with the text: Call the dentist on Monday",
  firstCall: ["write_file", /notes\.txt.*Call the dentist on Monday/],
  tools: ["write_file"],
  isDone: (end) =>
    end.files["notes.txt"]?.trimEnd() === "Call the dentist on Monday" && changedOnly(writeNotes, end, "notes.txt"),
};

export const addFunction: Task = {
  name: "add a function",
  isHeldOut: true,
  files: {
    "math.mjs": "export function add(a, b) {\n  return a + b;\n}\n\nexport function half(n) {\n  return n / 2;\n}\n",
  },
  message: "Add an exported function double(n) to math.mjs that returns twice n. Keep the other functions.",
  firstCall: ["read_file", /math\.mjs/],
  tools: ["read_file", "edit_file"],
  isDone: async (end) => {
    const check =
      "import('./math.mjs').then(({ add, half, double }) => process.exit(add(1, 2) === 3 && half(8) === 4 && double(21) === 42 ? 0 : 1))";
    return changedOnly(addFunction, end, "math.mjs") && (await end.exitCode(`node -e "${check}"`)) === 0;
  },
};

export const renameFunction: Task = {
  name: "rename a function",
  isHeldOut: true,
  files: {
    "a.ts": "function foo(n: number): number {\n  return n + 1;\n}\n\nconsole.log(foo(41));\n",
  },
  message: "Rename the function foo in a.ts to bar, everywhere in the file.",
  firstCall: ["read_file", /a\.ts/],
  tools: ["read_file", "edit_file"],
  isDone: (end) =>
    end.files["a.ts"] === renameFunction.files["a.ts"]?.replaceAll("foo", "bar") &&
    changedOnly(renameFunction, end, "a.ts"),
};
