import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import {
  anchorsOf,
  cliCalls,
  emphasised,
  inlineCode,
  linksOf,
  npmScripts,
  prose,
  settingTitle,
  sourcePaths,
} from "./documents.mjs";

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
const documents = ["README.md", "src/README.md", "native/README.md", "test/README.md"];
const read = (file) => fs.readFileSync(path.join(root, file), "utf8");
const manifest = JSON.parse(read("package.json"));
const { contributes } = manifest;
const settings = contributes.configuration.flatMap((section) => Object.keys(section.properties));

/** What VS Code itself calls by these names, and what the pages do. */
const otherNames = new Set(["Extensions: Install from VSIX…", "Developer: Reload Window", "First decode step"]);

const helps = new Map();

describe("the documents", () => {
  it("begin with a README of fewer than 150 lines", () => {
    const lines = read("README.md").split("\n").length;
    assert.ok(lines < 150, `${lines} lines`);
  });

  it("are these four, and the changelog", () => {
    const ours = spawnSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "*.md"], {
      cwd: root,
      encoding: "utf8",
    }).stdout.split("\n");
    const fixtures = /^(test\/fixtures|test\/reference|media)\//;
    const found = ours.filter((file) => file !== "" && !fixtures.test(file));
    assert.deepEqual(found.sort(), [...documents, "CHANGELOG.md"].sort());
  });

  for (const file of documents) {
    describe(file, () => {
      const text = read(file);

      it("links only to what exists", () => {
        const broken = linksOf(text).filter((link) => !leads(file, link));
        assert.deepEqual(broken, []);
      });

      it("names only files that exist", () => {
        const missing = sourcePaths(text).filter((name) => !fs.existsSync(path.join(root, name)));
        assert.deepEqual(missing, []);
      });

      it("names only npm scripts that exist", () => {
        const unknown = npmScripts(text).filter((name) => !Object.hasOwn(manifest.scripts, name));
        assert.deepEqual(unknown, []);
      });

      it("names only settings that exist", () => {
        const named = inlineCode(text).filter((code) => /^resident\.[a-z]+\.\w+$/.test(code));
        assert.deepEqual(
          named.filter((name) => !settings.includes(name)),
          [],
        );
      });

      it("names only commands of the palette that exist", () => {
        const titles = new Set([
          ...contributes.commands.map(({ title }) => title.replace(/…$/, "")),
          ...settings.map(settingTitle),
        ]);
        const named = emphasised(prose(text)).filter((name) => /^(Resident: )?[A-Z]/.test(name));
        const unknown = named.filter((name) => {
          const title = name.replace(/^Resident: /, "").replace(/…$/, "");
          return !titles.has(title) && !otherNames.has(name);
        });
        assert.deepEqual(unknown, []);
      });

      it("shows only calls of the CLI that it understands", () => {
        const overview = help("help");
        for (const { words, options, line } of cliCalls(text)) {
          const usage = words.join(" ");
          assert.ok(listed(overview, words), `there is no \`resident ${usage}\`: ${line}`);
          const known = help(words[0], "--help");
          for (const option of options) {
            assert.ok(option === "--help" || known.includes(`${option} `), `${usage} has no ${option}: ${line}`);
          }
        }
      });
    });
  }

  it("have a table of all error codes", () => {
    const [, list = ""] = /errorCodes = \[([^\]]*)\]/.exec(read("src/common/errors.ts")) ?? [];
    const codes = [...list.matchAll(/"(\w+)"/g)].map(([, code]) => code);
    const rows = [...read("src/README.md").matchAll(/^\| (`[A-Z_]+`(?:, `[A-Z_]+`)*) \|/gm)];
    const described = rows.flatMap(([, cell]) => inlineCode(cell)).filter((code) => !code.startsWith("RESIDENT_"));
    assert.ok(codes.length > 10);
    assert.deepEqual(described.sort(), codes.sort());
  });

  it("have all keys that the extension binds", () => {
    const table = read("README.md").toLowerCase();
    for (const { key, mac } of contributes.keybindings) {
      for (const chord of [key, mac].filter((name) => name !== undefined)) assert.ok(table.includes(chord), chord);
    }
  });
});

/** Whether a relative link of `file` leads to a file or folder, and to a heading where it names one. */
function leads(file, link) {
  const [target, anchor] = link.split("#");
  const found = target === "" ? path.join(root, file) : path.join(root, path.dirname(file), target);
  if (!fs.existsSync(found)) return false;
  return anchor === undefined || anchorsOf(fs.readFileSync(found, "utf8")).includes(anchor);
}

/** What the program says to these words: documents name the same commands again and again. */
function help(...words) {
  const call = words.join(" ");
  const said = helps.get(call);
  if (said !== undefined) return said;
  const result = spawnSync(process.execPath, [path.join(root, "dist", "cli.js"), ...words], { encoding: "utf8" });
  assert.equal(result.status, 0, result.stderr);
  helps.set(call, result.stdout);
  return result.stdout;
}

/** Whether a line of usage has these words, the suites of `bench` included. */
function listed(overview, [command, verb]) {
  return overview.split("\n").some((line) => {
    const [name, first, ...rest] = line
      .trim()
      .replace(/^resident /, "")
      .split(/[ |]+/);
    if (!line.trim().startsWith("resident ") || name !== command) return false;
    return verb === undefined || first === verb || (command === "bench" && rest.includes(verb));
  });
}

describe("the reader of documents", () => {
  const text = [
    "See [a](src/a.md#b-c) and [the web](https://example.org), `src/x.ts`, `npm run watch`, **bold**, *Run It*.",
    "```sh",
    "node dist/cli.js agents list --json   # *not prose*",
    "npm test",
    "```",
  ].join("\n");

  it("finds links, files, scripts, names and calls", () => {
    assert.deepEqual(linksOf(text), ["src/a.md#b-c"]);
    assert.deepEqual(sourcePaths(text), ["src/x.ts"]);
    assert.deepEqual(npmScripts(text).sort(), ["test", "watch"]);
    assert.deepEqual(emphasised(prose(text)), ["Run It"]);
    assert.deepEqual(
      cliCalls(text).map(({ words, options }) => ({ words, options })),
      [{ words: ["agents", "list"], options: ["--json"] }],
    );
  });

  it("knows the anchors of headings and the titles of settings", () => {
    assert.deepEqual(anchorsOf("# One\n## Who may, *then*?\n"), ["one", "who-may-then"]);
    assert.equal(settingTitle("resident.answers.maxTokens"), "Max Tokens");
  });
});
