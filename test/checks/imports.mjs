/** Reads what the modules under src/ import, from their syntax and from esbuild's metafiles, and judges it by the table. */
import fs from "node:fs";
import { builtinModules } from "node:module";
import path from "node:path";
import { parseSync } from "oxc-parser";

/**
 * One import: the module and what it names. `target` is a path below the root with forward slashes where the name is
 * relative, else the bare name.
 *
 * @typedef {{ from: string, target: string, isFile: boolean }} Edge
 */

const slashes = (file) => file.split(path.sep).join("/");

/** Every source file of the rooms. @returns {string[]} */
export function sourceFiles(root) {
  const folder = path.join(root, "src");
  return fs
    .readdirSync(folder, { recursive: true })
    .map((file) => `src/${slashes(file)}`)
    .filter((file) => /\.[cm]?tsx?$/.test(file));
}

/** Where each kind of syntax that names a module keeps the name. */
const nameOf = {
  ImportDeclaration: (node) => node.source,
  ExportNamedDeclaration: (node) => node.source,
  ExportAllDeclaration: (node) => node.source,
  ImportExpression: (node) => node.source,
  TSImportType: (node) => node.source,
  TSExternalModuleReference: (node) => node.expression,
  CallExpression: (node) => (node.callee.name === "require" ? node.arguments[0] : undefined),
};

/** The names of modules in a source: value, type-only and dynamic imports, re-exports, types, `require`. */
function specifiers(file, text) {
  const { program, errors } = parseSync(file, text);
  if (errors.length > 0) throw new Error(`${file} cannot be parsed: ${errors[0].message}`);
  const found = [];
  const visit = (node) => {
    if (node === null || typeof node !== "object") return;
    const name = nameOf[node.type]?.(node)?.value;
    if (typeof name === "string") found.push(name);
    for (const child of Object.values(node)) visit(child);
  };
  visit(program);
  return found;
}

/** @returns {Edge[]} */
export function edgesOfSources(root) {
  return sourceFiles(root).flatMap((from) =>
    specifiers(from, fs.readFileSync(path.join(root, from), "utf8")).map((name) => ({
      from,
      target: name.startsWith(".") ? path.posix.join(path.posix.dirname(from), name) : name,
      isFile: name.startsWith("."),
    })),
  );
}

/** What esbuild resolved, of our own modules only. @returns {Edge[]} */
export function edgesOfMetafile(metafile) {
  return Object.entries(metafile.inputs)
    .filter(([from]) => from.startsWith("src/"))
    .flatMap(([from, { imports }]) =>
      imports
        .filter(({ path: target }) => !target.startsWith("node_modules/") && !target.startsWith("<"))
        .map(({ path: target, external }) => ({ from, target, isFile: !external })),
    );
}

const roomOf = (file) => /^src\/([^/]+)\//.exec(file)?.[1];
const isNodeModule = (name) => name.startsWith("node:") || builtinModules.includes(name.split("/")[0]);

/** Why the table forbids this import, or undefined. */
function objection({ from, target, isFile }, table) {
  const room = roomOf(from);
  const rule = room === undefined ? undefined : table[room];
  if (rule === undefined) return "it is in no room of the table";
  if (!isFile && target === "vscode") return rule.vscode ? undefined : `${room} may not use VS Code`;
  if (!isFile) return rule.node || !isNodeModule(target) ? undefined : `${room} may not use Node's modules`;
  if (target === "package.json") return undefined;
  const other = roomOf(`${target}/`);
  if (other === undefined) return "that is outside of src/";
  if (other === room || rule.rooms.includes(other)) return undefined;
  return `${room} may import ${rule.rooms.length === 0 ? "nothing" : rule.rooms.join(", ")}`;
}

/** @param {Edge[]} edges @returns {string[]} a sentence for each forbidden import */
export function violations(edges, table) {
  const found = edges.flatMap((edge) => {
    const reason = objection(edge, table);
    return reason === undefined ? [] : [`${edge.from} imports ${edge.target}: ${reason}`];
  });
  return [...new Set(found)].sort();
}

/** The rows `| room | may import |` of the README's section on it, in the shape of the table's `rooms`. */
export function tableOfReadme(markdown) {
  const section = markdown.split(/^#+ /m).find((text) => text.startsWith("Who may import whom")) ?? "";
  const rows = [...section.matchAll(/^\| `(\w+)` \| ([^|]*) \|$/gm)];
  const names = (cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name);
  return Object.fromEntries(rows.map(([, room, cell]) => [room, names(cell)]));
}
