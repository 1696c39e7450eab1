import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { checkContents, stageFiles } from "../../native/package/files.mjs";
import { shippedNativeParts } from "../../native/package/licenses.mjs";
import { packageName, readOptions } from "../../native/package/targets.mjs";

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));

/** All of mlx_metal-0.32.4's RECORD but the headers. */
const macWheelFiles = [
  ...["libjaccl.dylib", "libmlx.dylib", "mlx.metallib"].map((name) => `mlx/lib/${name}`),
  ...["jacclTargets-release", "jacclTargets"].map((name) => `mlx/lib/cmake/jaccl/${name}.cmake`),
  ...[
    "FindCUDNN",
    "FindNCCL",
    "Findnvpl",
    "MLXConfig",
    "MLXConfigVersion",
    "MLXTargets-release",
    "MLXTargets",
    "extension",
  ].map((name) => `mlx/share/cmake/MLX/${name}.cmake`),
  ...["INSTALLER", "METADATA", "RECORD", "REQUESTED", "WHEEL", "licenses/LICENSE", "top_level.txt"].map(
    (name) => `mlx_metal-0.32.4.dist-info/${name}`,
  ),
];

const whole = [
  "[Content_Types].xml",
  "extension.vsixmanifest",
  ...["package.json", "readme.md", "LICENSE.txt", "THIRD_PARTY_LICENSES.txt"].map((file) => `extension/${file}`),
  ...["extension.js", "core.js", "search.js", "cli.js"].map((file) => `extension/dist/${file}`),
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
    mac.push("extension/native/stage/darwin-arm64/mlx/lib/mlx.metallib");
    for (const [names, target] of [
      [whole, "linux-x64"],
      [mac, "darwin-arm64"],
    ]) {
      assert.deepEqual(checkContents(names, target), { unexpected: [], missing: [] });
    }
  });

  it("finds what does not belong there", () => {
    const strays = [
      "dist/extension.js.map",
      "src/cli/main.ts",
      "node_modules/mocha/index.js",
      ".npmrc",
      "native/setup.mjs",
      "native/stage/linux-x64/mlx/lib/libmlx.dylib",
      "native/stage/darwin-arm64/resident.node",
    ];
    const names = [...whole, ...strays.map((file) => `extension/${file}`)];
    assert.deepEqual(checkContents(names, "linux-x64").unexpected, strays);
  });

  it("finds what is missing", () => {
    for (const file of ["dist/core.js", "native/stage/linux-x64/resident.node", "THIRD_PARTY_LICENSES.txt"]) {
      const names = whole.filter((name) => name !== `extension/${file}`);
      assert.equal(checkContents(names, "linux-x64").missing.length, 1, file);
    }
  });

  it("leaves no room for what else MLX's wheel has: only names of the platform pass", () => {
    const base = fs.mkdtempSync(path.join(os.tmpdir(), "resident-stage-"));
    const staged = (...files) => {
      const stage = path.join(base, "native", "stage", "darwin-arm64");
      fs.rmSync(path.join(base, "native"), { recursive: true, force: true });
      for (const file of ["resident.node", ...files]) {
        fs.mkdirSync(path.dirname(path.join(stage, file)), { recursive: true });
        fs.writeFileSync(path.join(stage, file), "");
      }
      const info = path.join(base, "native", "mlx", "darwin-arm64", "mlx_metal-0.32.4.dist-info", "licenses");
      fs.mkdirSync(info, { recursive: true });
      fs.writeFileSync(path.join(info, "LICENSE"), "MIT License\n\nOf the wheel");
      fs.cpSync(path.join(root, "native", "licenses"), path.join(base, "native", "licenses"), { recursive: true });
      return () => stageFiles(path.join(base, "out"), [[base, "native/stage/darwin-arm64"]], "darwin-arm64");
    };
    try {
      const needed = ["mlx/lib/libmlx.dylib", "mlx/lib/mlx.metallib"];
      staged(...needed)();
      const out = fs
        .readdirSync(path.join(base, "out"), { recursive: true })
        .filter((name) => path.extname(name) !== "");
      assert.deepEqual(
        out.sort(),
        [...needed, "resident.node"].map((name) => `native/stage/darwin-arm64/${name}`),
      );
      const parts = shippedNativeParts(base, "darwin-arm64");
      assert.match(parts.find(({ name }) => name === "MLX")?.text ?? "", /Of the wheel/);
      assert.ok(parts.every(({ name }) => !/libgfortran|BLAS/.test(name)));

      for (const file of macWheelFiles.filter((name) => !needed.includes(name))) {
        assert.throws(staged(...needed, file), /is not on the list/, file);
      }
      staged(...needed, "mlx/lib/libjaccl.dylib");
      assert.throws(() => shippedNativeParts(base, "darwin-arm64"), /no licence is known for libjaccl/);
    } finally {
      fs.rmSync(base, { recursive: true, force: true });
    }
  });

  it("has no media that nothing names", () => {
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
      assert.throws(
        () => stageFiles(path.join(base, "out"), [[base, "dist"]], "linux-x64"),
        /dist\/worker\.js is not on the list/,
      );
    } finally {
      fs.rmSync(base, { recursive: true, force: true });
    }
  });
});

describe("what a package is asked for", () => {
  const manifest = { name: "resident", version: "1.2.3" };

  it("is this platform, or one that is named", () => {
    const here = readOptions([], "linux-x64", "14");
    assert.deepEqual(here, { target: "linux-x64", macos: "14", out: undefined });
    assert.equal(packageName(manifest, here), "resident-linux-x64-1.2.3.vsix");
    const mac = readOptions(["--target", "darwin-arm64"], "linux-x64", "14");
    assert.equal(packageName(manifest, mac), "resident-darwin-arm64-1.2.3.vsix");
    const recent = readOptions(["--target", "darwin-arm64", "--macos", "26", "--out", "a.vsix"], "linux-x64", "14");
    assert.equal(recent.out, path.resolve("a.vsix"));
    assert.equal(packageName(manifest, recent), "resident-darwin-arm64-macos26-1.2.3.vsix");
    assert.equal(readOptions([], "darwin-arm64", "26").macos, "26");
  });

  it("is refused when there is no such package or option", () => {
    assert.throws(
      () => readOptions(["--target", "win32-x64"], "linux-x64", "14"),
      /no package for win32-x64: choose among/,
    );
    assert.throws(() => readOptions([], "darwin-x64", "14"), /no package for darwin-x64/);
    assert.throws(() => readOptions(["--target"], "linux-x64", "14"), /--target needs a value/);
    assert.throws(() => readOptions(["--macos", "13"], "linux-x64", "14"), /--macos is one of 14, 26/);
    assert.throws(() => readOptions(["--targets", "x"], "linux-x64", "14"), /no option --targets/);
  });
});
