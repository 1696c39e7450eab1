/** A library for Linux on arm64, made as the addon for it is: what it needs of libstdc++ is what real systems have. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { readElf } from "../../native/package/elf.mjs";
import { armSettings, stubOf } from "../../native/setup/libstdcxx.mjs";
import { cacheDirectory, root } from "../../native/setup/paths.mjs";

const source = `
#include <cmath>
#include <mutex>
#include <stdexcept>
#include <string>
std::once_flag once;
extern "C" double Half(double x, const char* name) {
  std::call_once(once, [&] { if (x < 0) throw std::invalid_argument(std::string(name) + " is negative"); });
  try { return std::sqrt(std::stod(std::string(name))) / 2; } catch (const std::exception&) { return 0; }
}
`;
const project = `
cmake_minimum_required(VERSION 3.20)
project(tiny LANGUAGES CXX)
set(CMAKE_CXX_STANDARD 20)
add_library(tiny SHARED tiny.cc)
`;

describe("the addon for Linux on arm64", function () {
  this.timeout(20 * 60_000);

  it("is linked to stubs that tell names, kinds and versions, of defaults alone", () => {
    const { source, script } = stubOf([
      { name: "_Znwm", version: "GLIBCXX_3.4", type: "function" },
      { name: "_ZSt4cout", version: "GLIBCXX_3.4", type: "object" },
      { name: "_ZSt15__once_callable", version: "GLIBCXX_3.4.11", type: "tls_object" },
      { name: "of_nobody", version: undefined, type: "function" },
      { name: "GLIBCXX_3.4", version: "GLIBCXX_3.4", type: undefined },
    ]);
    assert.match(source, /\.text\n\.globl _Znwm\n\.type _Znwm,%function\n_Znwm: /);
    assert.match(source, /\.data\n\.globl _ZSt4cout\n/);
    assert.match(source, /\.tbss.*\n\.globl _ZSt15__once_callable\n/);
    assert.doesNotMatch(source, /of_nobody/);
    assert.deepEqual(script.trim().split("\n"), [
      "GLIBCXX_3.4 { global: _Znwm; _ZSt4cout; };",
      "GLIBCXX_3.4.11 { global: _ZSt15__once_callable; };",
    ]);
  });

  if (process.platform === "linux" && process.arch === "x64") {
    it("calls libstdc++ and libgcc by the versions of this machine's, and glibc by those of 2.35", async () => {
      const folder = fs.mkdtempSync(path.join(os.tmpdir(), "resident linux arm "));
      try {
        fs.writeFileSync(path.join(folder, "tiny.cc"), source);
        fs.writeFileSync(path.join(folder, "CMakeLists.txt"), project);
        const settings = {
          CMAKE_TOOLCHAIN_FILE: path.join(root, "native", "cmake", "zig.cmake"),
          CMAKE_BUILD_TYPE: "Release",
          ...(await armSettings(path.join(folder, "stubs"))),
        };
        const env = { ...process.env, ZIG_GLOBAL_CACHE_DIR: path.join(cacheDirectory, "zig-cache") };
        const build = path.join(folder, "build");
        const defined = Object.entries(settings).map(([name, value]) => `-D${name}=${value}`);
        execFileSync("cmake", ["-S", folder, "-B", build, ...defined], { env, stdio: "pipe" });
        execFileSync("cmake", ["--build", build], { env, stdio: "pipe" });

        const facts = readElf(path.join(build, "libtiny.so"));
        assert.equal(facts.machine, "arm64");
        assert.ok(facts.exports.has("Half"));
        for (const name of ["libstdc++.so.6", "libgcc_s.so.1"]) assert.ok(facts.libraries.includes(name), name);
        const versionOf = (wanted) => facts.imports.find(({ name }) => name === wanted)?.version;
        assert.match(versionOf("__cxa_throw") ?? "", /^CXXABI_1\.3$/);
        assert.match(
          versionOf("_ZNSt16invalid_argumentC1ERKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE") ?? "",
          /^GLIBCXX_3\.4\.21$/,
        );
        assert.match(versionOf("_Unwind_Resume") ?? "", /^GCC_3\.0$/);
        assert.match(versionOf("_ZSt15__once_callable") ?? "", /^GLIBCXX_3\.4\.11$/);
        assert.deepEqual(
          facts.imports.filter(({ version }) => version === undefined),
          [],
        );
      } finally {
        fs.rmSync(folder, { recursive: true, force: true });
      }
    });
  }
});
