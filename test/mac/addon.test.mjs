/** The addon for Apple-silicon Macs as dyld will load it there, read on any machine. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { stageDirectoryOf } from "../../native/setup/paths.mjs";
import { macBuild } from "../../native/setup/pins.mjs";
import { readMachO } from "./machO.mjs";

const stage = stageDirectoryOf("darwin-arm64");
const system = ["/usr/lib/libSystem.B.dylib", "/usr/lib/libc++.1.dylib", "/usr/lib/libobjc.A.dylib"];
const libcxx = system[1];
const mlxName = "@rpath/libmlx.dylib";

/**
 * What the addon calls of libc++ and MLX's library does not. All are in the libc++ of macOS 11 and later: a new name belongs
 * here once it was found in LLVM's list of what that libc++ exports (libcxx/lib/abi).
 */
const otherLibcxxNames = new Set([
  "__ZNKSt3__112basic_stringIcNS_11char_traitsIcEENS_9allocatorIcEEE4findEcm",
  "__ZNKSt3__115basic_stringbufIcNS_11char_traitsIcEENS_9allocatorIcEEE3strEv",
  "__ZNKSt3__14__fs10filesystem18directory_iterator13__dereferenceEv",
  "__ZNKSt3__18time_putIcNS_19ostreambuf_iteratorIcNS_11char_traitsIcEEEEE3putES4_RNS_8ios_baseEcPK2tmPKcSC_",
  "__ZNSt13runtime_errorC2ERKS_",
  "__ZNSt13runtime_erroraSERKS_",
  "__ZNSt3__112basic_stringIcNS_11char_traitsIcEENS_9allocatorIcEEE5eraseEmm",
  "__ZNSt3__112basic_stringIcNS_11char_traitsIcEENS_9allocatorIcEEE6appendEPKc",
  "__ZNSt3__112basic_stringIcNS_11char_traitsIcEENS_9allocatorIcEEE6assignEPKc",
  "__ZNSt3__112basic_stringIcNS_11char_traitsIcEENS_9allocatorIcEEE6assignEPKcm",
  "__ZNSt3__112basic_stringIcNS_11char_traitsIcEENS_9allocatorIcEEE6insertENS_11__wrap_iterIPKcEEc",
  "__ZNSt3__112basic_stringIcNS_11char_traitsIcEENS_9allocatorIcEEE6insertEmPKc",
  "__ZNSt3__112basic_stringIcNS_11char_traitsIcEENS_9allocatorIcEEE7replaceEmmPKc",
  "__ZNSt3__112basic_stringIcNS_11char_traitsIcEENS_9allocatorIcEEE7replaceEmmmc",
  "__ZNSt3__112basic_stringIcNS_11char_traitsIcEENS_9allocatorIcEEE7reserveEm",
  "__ZNSt3__112basic_stringIcNS_11char_traitsIcEENS_9allocatorIcEEE9__grow_byEmmmmmm",
  "__ZNSt3__112basic_stringIcNS_11char_traitsIcEENS_9allocatorIcEEEaSERKS5_",
  "__ZNSt3__113basic_istreamIcNS_11char_traitsIcEEE6sentryC1ERS3_b",
  "__ZNSt3__113basic_istreamIcNS_11char_traitsIcEEErsERy",
  "__ZNSt3__113basic_ostreamIcNS_11char_traitsIcEEElsEl",
  "__ZNSt3__120__libcpp_atomic_waitEPVKvx",
  "__ZNSt3__123__cxx_atomic_notify_allEPVKv",
  "__ZNSt3__123__libcpp_atomic_monitorEPVKv",
  "__ZNSt3__14__fs10filesystem18directory_iterator11__incrementEPNS_10error_codeE",
  "__ZNSt3__14__fs10filesystem18directory_iteratorC1ERKNS1_4pathEPNS_10error_codeENS1_17directory_optionsE",
  "__ZNSt3__14stodERKNS_12basic_stringIcNS_11char_traitsIcEENS_9allocatorIcEEEEPm",
  "__ZNSt3__15stollERKNS_12basic_stringIcNS_11char_traitsIcEENS_9allocatorIcEEEEPmi",
  "__ZNSt3__16__sortIRNS_6__lessIddEEPdEEvT0_S5_T_",
  "__ZNSt3__16__sortIRNS_6__lessIiiEEPiEEvT0_S5_T_",
  "__ZNSt3__18time_putIcNS_19ostreambuf_iteratorIcNS_11char_traitsIcEEEEE2idE",
  "__ZNSt3__19to_stringEd",
  "__ZNSt3__19to_stringEx",
  "__ZNSt3__19to_stringEy",
  "__ZNSt8bad_castC2Ev",
  "__ZNSt8bad_castD2Ev",
  "__ZTISt12bad_any_cast",
  "__ZTIb",
  "__ZTIi",
  "__ZTIx",
  "__ZTTNSt3__119basic_istringstreamIcNS_11char_traitsIcEENS_9allocatorIcEEEE",
  "__ZTVNSt3__119basic_istringstreamIcNS_11char_traitsIcEENS_9allocatorIcEEEE",
  "__ZTVSt12bad_any_cast",
  "__ZdlPvSt11align_val_t",
  "__ZdlPvm",
  "__ZdlPvmSt11align_val_t",
  "__ZnwmSt11align_val_t",
]);

describe("the addon for macOS", () => {
  let addon;
  let mlx;
  before(() => {
    addon = readMachO(path.join(stage, "resident.node"));
    mlx = readMachO(path.join(stage, "mlx", "lib", "libmlx.dylib"));
  });

  it("is for arm64 and macOS 14, and signed ad hoc, as Apple silicon demands", () => {
    for (const file of [addon, mlx]) {
      assert.ok(file.isArm64);
      assert.ok(file.isSignedAdHoc);
    }
    assert.equal(addon.minimumMacos, "14.0");
    // A Mac with macOS 26.2 gets the MLX that is made for it.
    assert.equal(mlx.minimumMacos, macBuild() === "26" ? "26.2" : "14.0");
  });

  it("is staged with MLX's library and its kernels next to it, and with nothing else", () => {
    const files = fs.readdirSync(stage, { recursive: true }).filter((name) => path.extname(name) !== "");
    assert.deepEqual(files.sort(), ["mlx/lib/libmlx.dylib", "mlx/lib/mlx.metallib", "resident.node"]);
  });

  it("finds every library: the system's, and MLX's relative to itself", () => {
    assert.deepEqual([...addon.libraries].sort(), [...system, mlxName].sort());
    assert.deepEqual(addon.runPaths, ["@loader_path/mlx/lib"]);
    assert.equal(mlx.installName, mlxName);
    const isOfTheSystem = (library) => /^\/(usr\/lib|System\/Library\/Frameworks)\//.test(library);
    assert.deepEqual(
      mlx.libraries.filter((library) => !isOfTheSystem(library)),
      [],
    );
  });

  it("leaves nothing undefined but Node-API, which the program that loads it has", () => {
    const flat = addon.imports.filter(({ library }) => library === undefined).map(({ name }) => name);
    assert.deepEqual(
      flat.filter((name) => !name.startsWith("_napi_")),
      [],
    );
    assert.ok(flat.length > 0);
  });

  it("finds all that it calls of MLX in the library that it is shipped with", () => {
    const called = addon.imports.filter(({ library }) => library === mlxName).map(({ name }) => name);
    assert.ok(called.length > 20);
    assert.deepEqual(
      called.filter((name) => !mlx.exports.has(name)),
      [],
    );
  });

  it("calls of libc++ what MLX's library calls too, or what is known to be in macOS 14", () => {
    const known = new Set(mlx.imports.filter(({ library }) => library === libcxx).map(({ name }) => name));
    const called = addon.imports.filter(({ library }) => library === libcxx).map(({ name }) => name);
    assert.ok(called.length > 50);
    assert.deepEqual(
      called.filter((name) => !known.has(name) && !otherLibcxxNames.has(name)),
      [],
    );
  });

  it("exports the two names by which Node finds it", () => {
    const names = [...addon.exports].filter((name) => name.includes("napi") || name.includes("node_api"));
    assert.deepEqual(names.sort(), ["_napi_register_module_v1", "_node_api_module_get_api_version_v1"]);
  });
});
