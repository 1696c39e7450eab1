import { readdir, readFile, stat, utimes } from "node:fs/promises";
import path from "node:path";
import { AgentStore } from "../../../src/store/agentStore";
import { durableFiles } from "../../../src/store/files";
import { FakeLocks } from "../../support/store/fakes";
import { type Finding, wrong } from "../verdict";
import type { Truth } from "./truth";

/** Files on disk without an owner, in an unused home. */
export async function leftoversIn(home: string, truth: Truth): Promise<readonly Finding[]> {
  const files = await filesUnder(home);
  const store = new AgentStore(path.join(home, "agents"), durableFiles, () => new FakeLocks().process());
  const { manifests } = await store.list();
  const findings = files
    .filter((file) => /\.tmp-|\.deleted-|\.new-/.test(file))
    .map((file) => wrong(`left over: ${path.relative(home, file)}`));
  const folders = new Map(manifests.map((manifest) => [manifest.id, manifest]));
  for (const file of files) {
    const [room, id = "", name = ""] = path.relative(home, file).split(path.sep);
    if (room !== "agents" || name === "" || id.startsWith(".")) continue;
    const manifest = folders.get(id);
    if (manifest === undefined) findings.push(wrong(`left over: ${name} of no agent`));
    const generation = /^tail-([0-9]+)[.]/.exec(name)?.[1];
    if (generation !== undefined && manifest?.cache?.tail?.generation !== Number(generation))
      findings.push(wrong(`left over: ${name}`));
  }
  const alive = new Set<unknown>();
  for (const { id } of manifests) for (const { body } of (await store.read(id)).entries) alive.add(body["user"]);
  findings.push(...(await textsOfDeleted(files, truth, alive)));
  return findings;
}

/** Texts that are only in deleted agents; `alive`: texts of other agents. */
async function textsOfDeleted(
  files: readonly string[],
  truth: Truth,
  alive: ReadonlySet<unknown>,
): Promise<readonly Finding[]> {
  const said = [...truth.deleted.values()].flatMap(({ turns }) => [...turns.values()].map(({ user }) => user));
  const dead = said.filter((text) => !alive.has(text));
  if (dead.length === 0) return [];
  const contents = await Promise.all(files.map(async (file) => ({ file, bytes: await readFile(file) })));
  return dead.flatMap((text) => {
    const found = contents.find(({ bytes }) => bytes.includes(text));
    return found === undefined ? [] : [wrong(`${JSON.stringify(text)} of a deleted agent is in ${found.file}`)];
  });
}

export async function filesUnder(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
}

/** Makes all files look two hours old. */
export function ageAll(home: string): Promise<void> {
  return ageOlder(home, 0);
}

/** Makes all files that are at least `ageMs` old look two hours old. */
export async function ageOlder(folder: string, ageMs: number): Promise<void> {
  const now = Date.now();
  const then = new Date(now - 2 * 3_600_000);
  for (const file of await filesUnder(folder).catch(() => [])) {
    const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: now }));
    // The file may have been removed meanwhile.
    if (now - mtimeMs >= ageMs) await utimes(file, then, then).catch(() => {});
  }
}
