/**
 * What a Mach-O file says of itself, as far as dyld looks at it when it loads it. The layout is that of
 * <mach-o/loader.h> and <mach-o/nlist.h>; the code signature that of xnu's <kern/cs_blobs.h>.
 */
import fs from "node:fs";

const magic64 = 0xfeedfacf;
const cpuArm64 = 0x0100000c;
const commands = { symtab: 0x2, loadDylib: 0xc, idDylib: 0xd, signature: 0x1d, version: 0x32, rpath: 0x8000001c };
const loadWeakDylib = 0x80000018;
const symbolBytes = 16;
const embeddedSignature = 0xfade0cc0;
const codeDirectory = 0xfade0c02;
const adhoc = 0x2;

/**
 * @param {string} file a thin 64-bit file
 * @returns {{ isArm64: boolean, minimumMacos: string, libraries: string[], installName: string | undefined,
 *   runPaths: string[], imports: { name: string, library: string | undefined }[], exports: Set<string>,
 *   isSignedAdHoc: boolean }} `library`: where dyld looks for it; undefined: in everything that is loaded (flat lookup)
 */
export function readMachO(file) {
  const bytes = fs.readFileSync(file);
  const u32 = (at) => bytes.readUInt32LE(at);
  const text = (at) => bytes.toString("utf8", at, bytes.indexOf(0, at));
  if (u32(0) !== magic64) throw new Error(`${file} is no 64-bit Mach-O file`);
  const found = {
    isArm64: u32(4) === cpuArm64,
    minimumMacos: "",
    libraries: [],
    installName: undefined,
    runPaths: [],
    imports: [],
    exports: new Set(),
    isSignedAdHoc: false,
  };
  let symbols;
  for (let at = 32, left = u32(16); left > 0; at += u32(at + 4), left--) {
    switch (u32(at)) {
      case commands.loadDylib:
      case loadWeakDylib:
        found.libraries.push(text(at + u32(at + 8)));
        break;
      case commands.idDylib:
        found.installName = text(at + u32(at + 8));
        break;
      case commands.rpath:
        found.runPaths.push(text(at + u32(at + 8)));
        break;
      case commands.version:
        found.minimumMacos = `${u32(at + 12) >>> 16}.${(u32(at + 12) >>> 8) & 0xff}`;
        break;
      case commands.symtab:
        symbols = { first: u32(at + 8), count: u32(at + 12), strings: u32(at + 16) };
        break;
      case commands.signature:
        found.isSignedAdHoc = isAdHoc(bytes.subarray(u32(at + 8), u32(at + 8) + u32(at + 12)));
        break;
    }
  }
  for (let n = 0; n < (symbols?.count ?? 0); n++) {
    const at = symbols.first + n * symbolBytes;
    const type = bytes[at + 4];
    const isDebug = (type & 0xe0) !== 0;
    const isExternal = (type & 0x01) !== 0;
    if (isDebug || !isExternal) continue;
    const name = text(symbols.strings + u32(at));
    if ((type & 0x0e) !== 0) found.exports.add(name);
    else found.imports.push({ name, library: found.libraries[(bytes.readUInt16LE(at + 6) >>> 8) - 1] });
  }
  return found;
}

/** The blobs of a signature are big-endian. */
function isAdHoc(blob) {
  if (blob.readUInt32BE(0) !== embeddedSignature) return false;
  for (let n = 0; n < blob.readUInt32BE(8); n++) {
    const at = blob.readUInt32BE(12 + n * 8 + 4);
    if (blob.readUInt32BE(at) === codeDirectory) return (blob.readUInt32BE(at + 12) & adhoc) !== 0;
  }
  return false;
}
