/**
 * How a part knows that it is done: a stamp next to its output holds a hash of everything that the output was made
 * from. The stamp is written last, so that an interrupted part is done again.
 */
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { cacheDirectory } from "./paths.mjs";

const stampFile = (name) => path.join(cacheDirectory, "stamps", name);

/** @param {readonly string[]} outputs files that must exist, whatever the stamp says */
export function isCurrent(name, key, outputs) {
  if (!outputs.every((output) => fs.existsSync(output))) return false;
  try {
    return fs.readFileSync(stampFile(name), "utf8") === key;
  } catch (error) {
    if (error.code === "ENOENT") return false;
    throw error;
  }
}

export function writeStamp(name, key) {
  fs.mkdirSync(path.dirname(stampFile(name)), { recursive: true });
  fs.writeFileSync(stampFile(name), key);
}

export function clearStamp(name) {
  fs.rmSync(stampFile(name), { force: true });
}

/** SHA-256 over names and contents of files; a folder stands for all files below it. */
export function hashFiles(root, entries, ...facts) {
  const hash = createHash("sha256");
  for (const fact of facts) hash.update(`${fact}\0`);
  for (const file of entries.flatMap((entry) => filesBelow(path.join(root, entry))).sort()) {
    const bytes = fs.readFileSync(file);
    hash.update(`${path.relative(root, file)}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest("hex");
}

function filesBelow(entry) {
  const stat = fs.statSync(entry, { throwIfNoEntry: false });
  if (stat === undefined) return [];
  if (!stat.isDirectory()) return [entry];
  return fs
    .readdirSync(entry, { recursive: true, withFileTypes: true })
    .filter((found) => found.isFile())
    .map((found) => path.join(found.parentPath ?? found.path, found.name));
}

/** Makes `target` by `make(temporary folder)`: it appears whole or not at all. What was there before goes. */
export async function replaceFolder(target, make) {
  fs.mkdirSync(path.dirname(target), { recursive: true });
  const part = path.join(path.dirname(target), `.part-${path.basename(target)}`);
  try {
    fs.rmSync(part, { recursive: true, force: true });
    fs.mkdirSync(part);
    await make(part);
    fs.rmSync(target, { recursive: true, force: true });
    fs.renameSync(part, target);
  } finally {
    fs.rmSync(part, { recursive: true, force: true });
  }
}
