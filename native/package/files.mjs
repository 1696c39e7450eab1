/** What a VSIX may hold, and must. */
import fs from "node:fs";
import path from "node:path";

/** `path` is a whole path inside the extension's folder. `required`: without a file of this kind nothing would work. */
const allowed = [
  { path: /^package\.json$/, required: true },
  { path: /^README\.md$/i, required: true },
  { path: /^CHANGELOG\.md$/i },
  { path: /^LICENSE(\.txt)?$/, required: true },
  { path: /^THIRD_PARTY_LICENSES\.txt$/, required: true },
  { path: /^media\/[\w/-]+\.(svg|png|gif|md|json)$/ },
  ...["extension", "core", "cli"].map((bundle) => ({ path: new RegExp(`^dist/${bundle}\\.js$`), required: true })),
  ...["chat", "room", "status"].flatMap((page) => [
    { path: new RegExp(`^dist/webview/${page}\\.js$`), required: true },
    { path: new RegExp(`^dist/webview/${page}\\.css$`), required: true },
  ]),
  { path: /^dist\/(webview\/)?[\w.-]+\.(ttf|wasm)$/ },
  { path: /^native\/stage\/[a-z0-9]+-[a-z0-9]+\/resident\.node$/, required: true },
  {
    path: /^native\/stage\/[a-z0-9]+-[a-z0-9]+\/(mlx\/lib|mlx_cpu\.libs)\/[\w.-]+(\.so[.\d]*|\.dylib|\.metallib)$/,
    required: true,
  },
];

const isAllowed = (file) => allowed.some((kind) => kind.path.test(file));

/** What vsce itself puts beside the extension's folder. */
const packaging = new Set(["[Content_Types].xml", "extension.vsixmanifest"]);

/**
 * Copies `sources` into `folder`. What is not allowed is an error, so that nothing new is left out unseen.
 *
 * @param {string} folder
 * @param {readonly (readonly [base: string, file: string])[]} sources files and folders, by their path in the extension;
 *   `base` is the folder that this path is relative to
 */
export function stageFiles(folder, sources) {
  for (const [base, source] of sources) {
    const start = path.join(base, source);
    if (!fs.existsSync(start)) throw new Error(`${start} is not there`);
    const files = fs.statSync(start).isFile() ? [start] : filesBelow(start);
    for (const file of files) {
      const name = path.relative(base, file).split(path.sep).join("/");
      if (!isAllowed(name)) throw new Error(`${name} is not on the list of what is shipped (native/package/files.mjs)`);
      const target = path.join(folder, name);
      fs.mkdirSync(path.dirname(target), { recursive: true });
      fs.copyFileSync(file, target, fs.constants.COPYFILE_FICLONE);
    }
  }
}

function filesBelow(folder) {
  return fs
    .readdirSync(folder, { recursive: true })
    .map((name) => path.join(folder, name))
    .filter((file) => fs.statSync(file).isFile());
}

/**
 * Compares what is in a VSIX with the list.
 *
 * @param {readonly string[]} names of its entries
 * @returns {{ unexpected: string[], missing: string[] }} files that are not allowed; patterns that no file answers to
 */
export function checkContents(names) {
  const inside = names.filter((name) => !packaging.has(name)).map((name) => name.replace(/^extension\//, ""));
  return {
    unexpected: inside.filter((name) => !isAllowed(name)),
    missing: allowed
      .filter((kind) => kind.required && !inside.some((name) => kind.path.test(name)))
      .map((kind) => String(kind.path)),
  };
}

const endOfDirectory = 0x06054b50;
const directoryEntry = 0x02014b50;

/** The names of a zip file's entries, from its central directory (PKWARE APPNOTE 4.3.12 and 4.3.16; no ZIP64). */
export function zipNames(file) {
  const zip = fs.readFileSync(file);
  let end = zip.length - 22;
  while (end >= 0 && zip.readUInt32LE(end) !== endOfDirectory) end--;
  if (end < 0) throw new Error(`${file} is not a zip file`);
  const count = zip.readUInt16LE(end + 10);
  const names = [];
  for (let at = zip.readUInt32LE(end + 16), n = 0; n < count; n++) {
    if (zip.readUInt32LE(at) !== directoryEntry) throw new Error(`${file} has a torn directory`);
    const nameLength = zip.readUInt16LE(at + 28);
    names.push(zip.toString("utf8", at + 46, at + 46 + nameLength));
    at += 46 + nameLength + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  return names;
}
