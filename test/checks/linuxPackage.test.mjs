import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { readElf } from "../../native/package/elf.mjs";
import { libraryProblems } from "../../native/package/linuxLibraries.mjs";

describe("the libraries of a Linux package", () => {
  let stage;
  beforeEach(() => {
    stage = fs.mkdtempSync(path.join(os.tmpdir(), "resident-elf-"));
    for (const file of Object.keys(good)) {
      fs.mkdirSync(path.dirname(path.join(stage, file)), { recursive: true });
      fs.writeFileSync(path.join(stage, file), "");
    }
  });
  afterEach(() => fs.rmSync(stage, { recursive: true, force: true }));

  const library = {
    machine: "arm64",
    libraries: ["libstdc++.so.6", "libc.so.6", "ld-linux-aarch64.so.1"],
    runPaths: [],
    versions: ["GLIBC_2.17", "GLIBC_2.35", "GLIBCXX_3.4.30"],
    imports: [],
    exports: new Set(),
  };
  const good = {
    "resident.node": {
      ...library,
      libraries: ["libmlx.so", ...library.libraries],
      runPaths: ["$ORIGIN/mlx/lib"],
      imports: [
        { name: "napi_create_object", version: undefined },
        { name: "_ZN3mlx4core4evalE", version: undefined },
        { name: "memcpy", version: "GLIBC_2.17" },
      ],
    },
    "mlx/lib/libmlx.so": {
      ...library,
      libraries: ["libblas.so.3", "libc.so.6"],
      runPaths: ["$ORIGIN/../../mlx_cpu.libs"],
      exports: new Set(["_ZN3mlx4core4evalE"]),
    },
    "mlx_cpu.libs/libblas.so.3": library,
  };
  const problems = (changes = {}, target = "linux-arm64") => {
    const facts = Object.fromEntries(Object.entries(good).map(([file, its]) => [file, { ...its, ...changes[file] }]));
    return libraryProblems(stage, target, (file) => facts[path.relative(stage, file)]);
  };

  it("are found, each relative to the one that needs it", () => {
    assert.deepEqual(problems(), []);
  });

  it("are all of one platform", () => {
    assert.equal(problems({}, "linux-x64").length, 3);
    assert.deepEqual(problems({ "mlx_cpu.libs/libblas.so.3": { machine: "x64" } }), [
      "mlx_cpu.libs/libblas.so.3 is for x64",
    ]);
  });

  it("are missed where one is not shipped, or found outside of the package", () => {
    assert.match(problems({ "resident.node": { runPaths: ["$ORIGIN"] } })[0], /resident\.node needs libmlx\.so/);
    const outside = path.join(path.dirname(stage), "libblas.so.3");
    fs.writeFileSync(outside, "");
    try {
      const found = problems({ "mlx/lib/libmlx.so": { runPaths: ["$ORIGIN/../../.."] } });
      assert.deepEqual(found, ["mlx/lib/libmlx.so needs libblas.so.3, which is not where it looks"]);
    } finally {
      fs.rmSync(outside);
    }
    assert.match(
      problems({ "resident.node": { libraries: ["libmlx.so", "libc++.so.1"] } })[0],
      /needs libc\+\+\.so\.1/,
    );
  });

  it("ask for no newer system than MLX does", () => {
    const found = problems({ "resident.node": { versions: ["GLIBC_2.36", "GLIBC_2.4", "GLIBCXX_3.4.32"] } });
    assert.deepEqual(found, ["resident.node needs GLIBC_2.36", "resident.node needs GLIBCXX_3.4.32"]);
  });

  it("have all that the addon calls, but what Node has", () => {
    const found = problems({ "mlx/lib/libmlx.so": { exports: new Set() } });
    assert.deepEqual(found, ["resident.node calls _ZN3mlx4core4evalE, which nothing has"]);
  });
});

describe("the reader of ELF files", () => {
  it("reads the Node that runs it, or says that it is none", () => {
    if (process.platform !== "linux") {
      assert.throws(() => readElf(process.execPath), /is no 64-bit ELF file/);
      return;
    }
    const node = readElf(process.execPath);
    assert.equal(node.machine, process.arch);
    assert.ok(node.libraries.includes("libc.so.6"));
    assert.ok(node.versions.some((version) => version.startsWith("GLIBC_2.")));
    assert.ok(node.exports.has("napi_create_object"));
    assert.match(node.imports.find(({ name }) => name === "memcpy")?.version ?? "", /^GLIBC_/);
  });
});
