/**
 * The libstdc++ of this machine's compiler, to compile and link for Linux on arm64 with Zig, which has a libc++ only and
 * MLX's library speaks libstdc++. Its headers are those of any 64-bit processor. Of the libraries only the names and
 * versions of symbols matter for linking: they are the same on all processors too, and are put into empty libraries.
 */
import fs from "node:fs";
import path from "node:path";
import { readElf } from "../package/elf.mjs";
import { SetupError } from "./errors.mjs";
import { zigProgram } from "./paths.mjs";
import { output, run } from "./run.mjs";
import { compiler } from "./tools.mjs";

const libraries = ["libstdc++.so.6", "libgcc_s.so.1"];
/** With the glibc of Ubuntu 22.04, the oldest system of MLX's library. */
const target = "aarch64-linux-gnu.2.35";

/**
 * What native/cmake/zig.cmake wants to know.
 *
 * @param {string} folder for what is linked to
 */
export async function armSettings(folder) {
  const stubs = await makeStubs(folder);
  return { ZIG: zigProgram, ZIG_TARGET: target, CXX_HEADERS: headers().join(";"), CXX_LIBRARIES: stubs.join(";") };
}

/** Folders in the order in which the compiler looks into them. */
function headers() {
  const said = output(compiler, ["-E", "-x", "c++", "-v", "/dev/null"]) ?? "";
  // Lines that are such a folder and nothing else: what is said around them depends on the language.
  const lines = said.split("\n").map((line) => line.trim());
  const found = lines.filter((line) => /^\/.*\/c\+\+\/[\d.]+(\/[\w-]+)?$/.test(line) && fs.existsSync(line));
  if (found.some((folder) => fs.existsSync(path.join(folder, "bits", "c++config.h")))) return found;
  throw new SetupError(
    `"${compiler}" has no libstdc++, which an addon for Linux on arm64 is compiled with`,
    "sudo apt-get install -y g++, or set CXX to a compiler that uses libstdc++",
  );
}

/** Empty libraries in `folder` with the symbols of the real ones. */
async function makeStubs(folder) {
  fs.mkdirSync(folder, { recursive: true });
  return await Promise.all(
    libraries.map(async (name) => {
      const real = output(compiler, [`-print-file-name=${name}`]);
      if (real === undefined || !path.isAbsolute(real)) {
        throw new SetupError(`"${compiler}" does not find ${name}`, "sudo apt-get install -y g++");
      }
      const file = path.join(folder, name);
      const { source, script } = stubOf(readElf(real).definitions);
      fs.writeFileSync(`${file}.s`, source);
      fs.writeFileSync(`${file}.map`, script);
      const shared = ["-shared", "-nostdlib", `-Wl,-soname,${name}`, `-Wl,--version-script=${file}.map`];
      await run(`linking a stub of ${name}`, zigProgram, ["cc", "-target", target, ...shared, "-o", file, `${file}.s`]);
      return file;
    }),
  );
}

const sectionOf = { function: ".text", object: ".data", tls_object: '.section .tbss,"awT",%nobits' };

/**
 * @param {readonly { name: string, version: string | undefined, type: string }[]} definitions
 * @returns {{ source: string, script: string }} assembler, and which symbol has which version
 */
export function stubOf(definitions) {
  const versions = new Map();
  const lines = [];
  for (const { name, version, type } of definitions) {
    if (version === undefined || sectionOf[type] === undefined) continue;
    versions.set(version, [...(versions.get(version) ?? []), name]);
    lines.push(sectionOf[type], `.globl ${name}`, `.type ${name},%${type}`, `${name}: .zero 8`);
  }
  const nodes = [...versions].map(([version, names]) => `${version} { global: ${names.join("; ")}; };`);
  return { source: `${lines.join("\n")}\n`, script: `${nodes.join("\n")}\n` };
}
