/** What the VSIX of a platform may hold, and must. */
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
  ...["extension", "core", "search", "cli"].map((bundle) => ({
    path: new RegExp(`^dist/${bundle}\\.js$`),
    required: true,
  })),
  ...["chat", "room", "status"].flatMap((page) => [
    { path: new RegExp(`^dist/webview/${page}\\.js$`), required: true },
    { path: new RegExp(`^dist/webview/${page}\\.css$`), required: true },
  ]),
  { path: /^dist\/(webview\/)?[\w.-]+\.(ttf|wasm)$/ },
];

/** What the addon of a platform needs next to it. All else of `native/` is another platform's, or the wheel's own. */
const nativeFiles = {
  "darwin-arm64": [
    { path: /^mlx\/lib\/libmlx\.dylib$/, required: true },
    { path: /^mlx\/lib\/mlx\.metallib$/, required: true },
  ],
  "linux-x64": linuxFiles(),
  "linux-arm64": linuxFiles(),
};

function linuxFiles() {
  return [
    { path: /^mlx\/lib\/libmlx\.so$/, required: true },
    { path: /^mlx_cpu\.libs\/lib(blas|lapack|gfortran|quadmath)-[\w.-]+\.so[.\d]*$/, required: true },
  ];
}

/** The kind of file that `file` of a package for `target` is, or undefined: it does not belong there. */
function kindOf(file, target) {
  const below = `native/stage/${target}/`;
  if (!file.startsWith(below)) return allowed.find((kind) => kind.path.test(file));
  return nativeKinds(target).find((kind) => kind.path.test(file.slice(below.length)));
}

const nativeKinds = (target) => [{ path: /^resident\.node$/, required: true }, ...nativeFiles[target]];

/** What vsce itself puts next to the extension's folder. */
const packaging = new Set(["[Content_Types].xml", "extension.vsixmanifest"]);

/**
 * Copies `sources` into `folder`. What is not allowed is an error, so that nothing new is left out unseen.
 *
 * @param {string} folder
 * @param {readonly (readonly [base: string, file: string])[]} sources files and folders, by their path in the extension;
 *   `base` is the folder that this path is relative to
 * @param {string} target as in "darwin-arm64"
 */
export function stageFiles(folder, sources, target) {
  for (const [base, source] of sources) {
    const start = path.join(base, source);
    if (!fs.existsSync(start)) throw new Error(`${start} is not there`);
    const files = fs.statSync(start).isFile() ? [start] : filesBelow(start);
    for (const file of files) {
      const name = path.relative(base, file).split(path.sep).join("/");
      if (kindOf(name, target) === undefined) {
        throw new Error(`${name} is not on the list of what is shipped (native/package/files.mjs)`);
      }
      const copy = path.join(folder, name);
      fs.mkdirSync(path.dirname(copy), { recursive: true });
      fs.copyFileSync(file, copy, fs.constants.COPYFILE_FICLONE);
      // The package tells modes: those of a checkout depend on who made it.
      fs.chmodSync(copy, 0o644);
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
 * @param {string} target as in "darwin-arm64"
 * @returns {{ unexpected: string[], missing: string[] }} files that are not allowed; patterns that no file answers to
 */
export function checkContents(names, target) {
  const inside = names.filter((name) => !packaging.has(name)).map((name) => name.replace(/^extension\//, ""));
  const found = new Set(inside.map((name) => kindOf(name, target)?.path.source));
  const kinds = [...allowed, ...nativeKinds(target)];
  return {
    unexpected: inside.filter((name) => kindOf(name, target) === undefined),
    missing: kinds.filter((kind) => kind.required && !found.has(kind.path.source)).map((kind) => String(kind.path)),
  };
}
