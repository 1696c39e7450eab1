import fs from "node:fs";
import path from "node:path";
import { SetupError } from "./errors.mjs";

function readLock(file) {
  try {
    return JSON.parse(fs.readFileSync(file, "utf8")).packages;
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}

const isForHere = (list, value) => list === undefined || list.includes(value);

/** What npm leaves out on this machine: optional packages, unless they name this platform. */
function mayBeMissing(entry) {
  if (!entry.optional) return false;
  const namesPlatform = entry.os !== undefined && entry.cpu !== undefined && entry.libc === undefined;
  return !(namesPlatform && isForHere(entry.os, process.platform) && isForHere(entry.cpu, process.arch));
}

/** Is what npm wrote down of its last install what the lock file asks for? npm writes that file last. */
export function isInstalled(root) {
  const wanted = readLock(path.join(root, "package-lock.json"));
  const installed = readLock(path.join(root, "node_modules", ".package-lock.json"));
  if (installed === undefined) return false;
  const isAsWanted = (name, entry) =>
    installed[name]?.version === entry.version && installed[name]?.integrity === entry.integrity;
  return (
    Object.entries(wanted).every(
      ([name, entry]) => name === "" || isAsWanted(name, entry) || (!(name in installed) && mayBeMissing(entry)),
    ) && Object.keys(installed).every((name) => name in wanted)
  );
}

/** `npm ci` empties `node_modules/` first: behind a symbolic link that is the folder of another checkout. */
export function refuseLinkedPackages(root) {
  const folder = path.join(root, "node_modules");
  if (!fs.lstatSync(folder, { throwIfNoEntry: false })?.isSymbolicLink()) return;
  throw new SetupError(
    `node_modules is a symbolic link to ${fs.readlinkSync(folder)}, and installing the packages would empty that folder`,
    `rm "${folder}" (the link alone goes) and run set-up again`,
  );
}

export function lockedVersion(root, name) {
  return readLock(path.join(root, "package-lock.json"))?.[`node_modules/${name}`]?.version ?? "none";
}

export function productVersion(root) {
  return JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8")).version;
}
