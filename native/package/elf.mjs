/** What an ELF file says of itself, as far as ld.so looks at it when it loads it: the layout is that of <elf.h>. */
import fs from "node:fs";

const machines = { 62: "x64", 183: "arm64" };
const sections = {
  dynamic: 6,
  symbols: 11,
  versionsDefined: 0x6ffffffd,
  versionsNeeded: 0x6ffffffe,
  symbolVersions: 0x6fffffff,
};
const types = { 1: "object", 2: "function", 6: "tls_object", 10: "function" };
const notTheDefault = 0x8000;
const tags = { needed: 1, rpath: 15, runpath: 29 };
const symbolBytes = 24;
const bindings = { local: 0, weak: 2 };

/**
 * @param {string} file a 64-bit little-endian library or program
 * @returns {{ machine: string | undefined, libraries: string[], runPaths: string[], versions: string[],
 *   imports: { name: string, version: string | undefined }[], exports: Set<string>,
 *   definitions: { name: string, version: string | undefined, type: string | undefined }[] }} `versions`: of the
 *   system's libraries, as in "GLIBC_2.35"; `imports` without the weak ones, which may be missing; `definitions`: what
 *   is linked to by those names
 */
export function readElf(file) {
  const bytes = fs.readFileSync(file);
  const u16 = (at) => bytes.readUInt16LE(at);
  const u32 = (at) => bytes.readUInt32LE(at);
  const u64 = (at) => Number(bytes.readBigUInt64LE(at));
  if (bytes.toString("latin1", 0, 6) !== "\u007fELF\u0002\u0001") throw new Error(`${file} is no 64-bit ELF file`);
  const text = (at) => bytes.toString("utf8", at, bytes.indexOf(0, at));
  const headers = Array.from({ length: u16(60) }, (_, n) => {
    const at = u64(40) + n * u16(58);
    return { type: u32(at + 4), offset: u64(at + 24), size: u64(at + 32), link: u32(at + 40), info: u32(at + 44) };
  });
  const find = (type) => headers.find((header) => header.type === type);
  const stringsOf = (header) => headers[header.link].offset;

  const entries = (header, size) =>
    Array.from({ length: header ? header.size / size : 0 }, (_, n) => header.offset + n * size);
  const dynamic = find(sections.dynamic);
  const told = (...wanted) =>
    entries(dynamic, 16)
      .filter((at) => wanted.includes(u64(at)))
      .map((at) => text(stringsOf(dynamic) + u64(at + 8)));

  const versionNames = new Map();
  const needed = find(sections.versionsNeeded);
  for (let at = needed?.offset, left = needed?.info ?? 0; left > 0; at += u32(at + 12), left--) {
    for (let one = at + u32(at + 8), ones = u16(at + 2); ones > 0; one += u32(one + 12), ones--) {
      versionNames.set(u16(one + 6), text(stringsOf(needed) + u32(one + 8)));
    }
  }

  const definedVersions = new Map();
  const defined = find(sections.versionsDefined);
  for (let at = defined?.offset, left = defined?.info ?? 0; left > 0; at += u32(at + 16), left--) {
    definedVersions.set(u16(at + 4), text(stringsOf(defined) + u32(at + u32(at + 12))));
  }

  const symbols = find(sections.symbols);
  const symbolVersions = find(sections.symbolVersions);
  const named = entries(symbols, symbolBytes).map((at, n) => {
    const isDefined = u16(at + 6) !== 0;
    const index = symbolVersions ? u16(symbolVersions.offset + 2 * n) : 0;
    return {
      name: text(stringsOf(symbols) + u32(at)),
      binding: bytes[at + 4] >>> 4,
      type: types[bytes[at + 4] & 15],
      isDefined,
      isDefault: (index & notTheDefault) === 0,
      version: (isDefined ? definedVersions : versionNames).get(index & ~notTheDefault),
    };
  });
  return {
    machine: machines[u16(18)],
    libraries: told(tags.needed),
    runPaths: told(tags.rpath, tags.runpath).flatMap((places) => places.split(":")),
    versions: [...versionNames.values()],
    imports: named
      .filter(({ binding, isDefined }) => !isDefined && binding !== bindings.local && binding !== bindings.weak)
      .map(({ name, version }) => ({ name, version })),
    exports: new Set(named.filter(({ isDefined }) => isDefined).map(({ name }) => name)),
    definitions: named
      .filter(({ isDefined, isDefault, binding }) => isDefined && isDefault && binding !== bindings.local)
      .map(({ name, version, type }) => ({ name, version, type })),
  };
}
