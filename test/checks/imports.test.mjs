import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { edgesOfMetafile, edgesOfSources, sourceFiles, tableOfReadme, violations } from "./imports.mjs";
import { importTable } from "./importTable.mjs";

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));

describe("who may import whom", () => {
  it("holds in every source file, type-only imports included", () => {
    const edges = edgesOfSources(root);
    const seen = new Set(edges.map((edge) => edge.from.split("/")[1]));
    for (const room of Object.keys(importTable).filter((name) => name !== "common")) {
      assert.ok(seen.has(room), `no import was read from src/${room}: is the check blind, or the room gone?`);
    }
    assert.deepEqual(violations(edges, importTable), []);
  });

  for (const bundle of ["extension", "core", "search", "cli", "webview"]) {
    it(`holds in what esbuild resolved for ${bundle}`, () => {
      const metafile = JSON.parse(fs.readFileSync(path.join(root, "out", "meta", `${bundle}.json`), "utf8"));
      const edges = edgesOfMetafile(metafile);
      assert.ok(edges.length > 0, "the metafile names no import of ours");
      assert.deepEqual(violations(edges, importTable), []);
    });
  }

  it("has every folder of src/ in the table, and no other", () => {
    const rooms = new Set(sourceFiles(root).map((file) => file.split("/")[1]));
    assert.deepEqual([...rooms].sort(), Object.keys(importTable).sort());
  });

  it("is what src/README.md says", () => {
    const readme = tableOfReadme(fs.readFileSync(path.join(root, "src", "README.md"), "utf8"));
    const table = Object.fromEntries(Object.entries(importTable).map(([room, rule]) => [room, [...rule.rooms]]));
    assert.deepEqual(readme, table);
  });
});

describe("a planted forbidden import", () => {
  const planted = [
    ["by value", "engine", 'import { load } from "../native/loader";\nload();'],
    ["by type alone", "engine", 'import type { Addon } from "../native/binding";\nexport type A = Addon;'],
    ["by re-export", "common", 'export * from "../engine/ports";'],
    ["by type re-export", "common", 'export type { Clock } from "../engine/ports";'],
    ["at run time", "agents", 'export const later = () => import("../native/loader");'],
    ["inside a type", "store", 'export type Agent = import("../agents/agent").Agent;'],
    ["with require", "cli", 'const engine = require("../engine/engine");\nengine.start();'],
    ["with import and require", "cli", 'import engine = require("../engine/engine");\nengine.start();'],
    ["of VS Code", "service", 'import * as vscode from "vscode";\nvscode.window;'],
    ["of Node", "engine", 'import fs from "node:fs";\nfs.statSync("x");'],
    ["of Node without its prefix", "protocol", 'import { join } from "path/posix";\njoin("x");'],
    ["of a folder's index", "text", 'import { a } from "../agents";\na();'],
    ["of what is outside of src/", "cli", 'import { fake } from "../../test/support/fake";\nfake();'],
    ["from a room that is not in the table", "utils", 'import { a } from "../common/a";\na();'],
  ];

  let folder;
  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "resident imports "));
  });
  afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

  const plant = (room, text) => {
    fs.mkdirSync(path.join(folder, "src", room), { recursive: true });
    fs.writeFileSync(path.join(folder, "src", room, "planted.ts"), text);
    return violations(edgesOfSources(folder), importTable);
  };

  for (const [how, room, text] of planted) {
    it(`${how} is found`, () => {
      assert.match(plant(room, text).join("\n"), new RegExp(`^src/${room}/planted\\.ts imports `));
    });
  }

  it("is found in a metafile", () => {
    const imports = [{ path: "src/native/loader.ts", kind: "import-statement" }];
    const edges = edgesOfMetafile({ inputs: { "src/engine/engine.ts": { bytes: 1, imports } } });
    assert.deepEqual(violations(edges, importTable), [
      "src/engine/engine.ts imports src/native/loader.ts: engine may import common",
    ]);
  });

  it("is not seen where the import is allowed", () => {
    assert.deepEqual(plant("engine", 'import { a } from "../common/a";\nimport { b } from "./b";\na(b);'), []);
  });
});
