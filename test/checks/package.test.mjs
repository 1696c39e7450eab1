import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { checkContents, stageFiles } from "../../native/package/files.mjs";

const whole = [
  "[Content_Types].xml",
  "extension.vsixmanifest",
  ...["package.json", "readme.md", "LICENSE.txt", "THIRD_PARTY_LICENSES.txt"].map((file) => `extension/${file}`),
  ...["extension.js", "core.js", "cli.js"].map((file) => `extension/dist/${file}`),
  ...["chat", "room", "status"]
    .flatMap((page) => [`${page}.js`, `${page}.css`])
    .map((file) => `extension/dist/webview/${file}`),
  "extension/native/stage/linux-x64/resident.node",
  "extension/native/stage/linux-x64/mlx/lib/libmlx.so",
  "extension/native/stage/linux-x64/mlx_cpu.libs/libblas-bd8a282c.so.3.10.0",
];

describe("the list of what a package holds", () => {
  it("accepts a whole package, of Linux and of macOS", () => {
    const mac = whole
      .filter((name) => !name.includes("mlx_cpu"))
      .map((name) => name.replace("linux-x64", "darwin-arm64").replace("libmlx.so", "libmlx.dylib"));
    for (const names of [whole, [...mac, "extension/native/stage/darwin-arm64/mlx/lib/mlx.metallib"]]) {
      assert.deepEqual(checkContents(names), { unexpected: [], missing: [] });
    }
  });

  it("finds what does not belong there", () => {
    const strays = [
      "dist/extension.js.map",
      "src/cli/main.ts",
      "node_modules/mocha/index.js",
      ".npmrc",
      "native/setup.mjs",
    ];
    assert.deepEqual(checkContents([...whole, ...strays.map((file) => `extension/${file}`)]).unexpected, strays);
  });

  it("finds what is missing", () => {
    for (const file of ["dist/core.js", "native/stage/linux-x64/resident.node", "THIRD_PARTY_LICENSES.txt"]) {
      assert.equal(checkContents(whole.filter((name) => name !== `extension/${file}`)).missing.length, 1, file);
    }
  });

  it("has no media that nothing names", () => {
    const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
    const sources = fs.readdirSync(path.join(root, "src"), { recursive: true }).filter((file) => file.endsWith(".ts"));
    const readers = ["README.md", "package.json", ...sources.map((file) => path.join("src", file))];
    const text = readers.map((file) => fs.readFileSync(path.join(root, file), "utf8")).join("\n");
    const media = fs.readdirSync(path.join(root, "media"), { recursive: true }).filter((file) => file.includes("."));
    const unused = media.filter((file) => !text.includes(path.basename(file)));
    assert.ok(media.length > 3);
    assert.deepEqual(unused, []);
  });

  it("lets nothing that is new be left out unseen", () => {
    const base = fs.mkdtempSync(path.join(os.tmpdir(), "resident-stage-"));
    try {
      fs.mkdirSync(path.join(base, "dist"));
      fs.writeFileSync(path.join(base, "dist", "worker.js"), "");
      assert.throws(() => stageFiles(path.join(base, "out"), [[base, "dist"]]), /dist\/worker\.js is not on the list/);
    } finally {
      fs.rmSync(base, { recursive: true, force: true });
    }
  });
});
