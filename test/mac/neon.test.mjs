/** The kernels for Arm, compiled from their sources and run: by an emulator where the processor is none. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { armEmulator, cacheDirectory, root, zigProgram } from "../../native/setup/paths.mjs";

const native = path.join(root, "native");
const kernels = path.join(native, "src", "kernels");
const isMac = process.platform === "darwin";
const isArm = process.arch === "arm64";
const limitMs = 10 * 60_000;

/** A program without a C library where it is for Linux: Zig would have to compile one for Arm first. */
const alone = ["-target", "aarch64-linux-musl", "-DRESIDENT_ALONE"];
const compiler = isMac
  ? { command: "c++", args: [], dotProducts: "-march=armv8.2-a+dotprod", link: [] }
  : {
      command: zigProgram,
      args: ["c++", ...alone],
      dotProducts: "-mcpu=generic+dotprod",
      link: ["-nostdlib", "-static"],
    };

function compile(args) {
  const env = { ...process.env, ZIG_GLOBAL_CACHE_DIR: path.join(cacheDirectory, "zig-cache") };
  execFileSync(compiler.command, [...compiler.args, ...args], { env, stdio: ["ignore", "ignore", "pipe"] });
}

/** `-fno-builtin`: see kernel_digest_main.cc. */
function compileSource(source, object, ...options) {
  const includes = [`-I${path.join(native, "src")}`, `-I${path.join(native, "test")}`];
  const usual = ["-std=c++20", "-O2", "-ffp-contract=off", "-Wall", "-Wextra", "-Wpedantic", "-Werror"];
  compile([...usual, ...options, ...includes, "-c", source, "-o", object]);
}

/** What a program says: `level → kernels → whether their bits are the recorded ones`. */
function run(program, processor) {
  const [command, ...args] = isArm ? [program] : [armEmulator, "-cpu", processor, program];
  const said = execFileSync(command, args, { encoding: "utf8", timeout: limitMs });
  const levels = new Map();
  for (const [, level, recorded, found, name] of said.matchAll(/^(\S+) (\S+) (\S+) (.+)$/gm)) {
    if (!levels.has(level)) levels.set(level, new Map());
    levels.get(level).set(name, recorded === found);
  }
  return levels;
}

const wrongOnes = (found) => [...found].filter(([, same]) => !same).map(([name]) => name);

describe("the kernels on Arm", () => {
  let folder;
  let objects;
  const link = (name, files) => {
    const program = path.join(folder, name);
    compile([...compiler.link, ...files, "-o", program]);
    return program;
  };
  before(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "resident-neon-"));
    const levels = fs.readdirSync(kernels).filter((name) => /^level_(scalar|neon\w*)\.cc$/.test(name));
    const sources = [
      ...["processor.cc", "kernel_table.cc", ...levels].map((name) => path.join(kernels, name)),
      ...["kernel_digest.cc", "kernel_digest_main.cc"].map((name) => path.join(native, "test", name)),
    ];
    objects = new Map();
    for (const source of sources) {
      const name = path.basename(source, ".cc");
      const object = path.join(folder, `${name}.o`);
      const dotProducts = name === "level_neondot" ? [compiler.dotProducts] : [];
      const plainLoops = name === "kernel_digest_main" ? ["-fno-builtin"] : [];
      compileSource(source, object, ...dotProducts, ...plainLoops);
      objects.set(name, object);
    }
  });
  after(() => fs.rmSync(folder, { recursive: true, force: true }));

  it("give the bits of x86 on all levels", () => {
    const levels = run(link("all", [...objects.values()]), "max");
    // Not every processor has dot products; the emulated one does.
    const expected = ["scalar", "neon", ...(isArm && !levels.has("neondot") ? [] : ["neondot"])];
    assert.deepEqual([...levels.keys()], expected);
    for (const [level, found] of levels) {
      assert.ok(found.size >= 13, level);
      assert.deepEqual(wrongOnes(found), [], level);
    }
  });

  if (!isArm) {
    it("use no dot products on a processor that has none", () => {
      const levels = run(link("old", [...objects.values()]), "cortex-a53");
      assert.deepEqual([...levels.keys()], ["scalar", "neon"]);
      for (const [level, found] of levels) assert.deepEqual(wrongOnes(found), [], level);
    });
  }

  it("would be found by one multiply-add that is rounded twice", () => {
    const source = path.join(folder, "odd.cc");
    const odd = "#define vfmaq_f32(c, a, b) vaddq_f32(c, vmulq_f32(a, b))";
    fs.writeFileSync(source, `#include <arm_neon.h>\n${odd}\n#include "kernels/level_neon.cc"\n`);
    const object = path.join(folder, "odd.o");
    compileSource(source, object, "-O1");
    const others = [...objects].filter(([name]) => name !== "level_neon").map(([, file]) => file);
    const levels = run(link("odd", [...others, object]), "max");
    assert.deepEqual(wrongOnes(levels.get("scalar")), []);
    const wrong = wrongOnes(levels.get("neon"));
    for (const name of ["products of 4 bits", "products of floats", "attention"]) assert.ok(wrong.includes(name), name);
    assert.ok(!wrong.includes("inputs as integers"));
  });
});
