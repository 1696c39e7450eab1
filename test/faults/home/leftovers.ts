import { readdir, readFile, utimes } from "node:fs/promises";
import path from "node:path";
import { AgentStore } from "../../../src/store/agentStore";
import { durableFiles } from "../../../src/store/files";
import { FakeLocks } from "../../support/store/fakes";
import { type Finding, wrong } from "../verdict";
import type { Truth } from "./truth";

/** What is on disk and belongs to nobody, in a home that nobody uses. */
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
  findings.push(...(await textsOfDeleted(files, truth)));
  return findings;
}

/** Texts that only agents said who were deleted. */
async function textsOfDeleted(files: readonly string[], truth: Truth): Promise<readonly Finding[]> {
  const textsOf = (agents: Iterable<{ readonly turns: ReadonlyMap<string, { readonly user: string }> }>) =>
    [...agents].flatMap(({ turns }) => [...turns.values()].map(({ user }) => user));
  const alive = new Set(textsOf(truth.agents.values()));
  const dead = textsOf(truth.deleted.values()).filter((text) => !alive.has(text));
  if (dead.length === 0) return [];
  const contents = await Promise.all(files.map(async (file) => ({ file, bytes: await readFile(file) })));
  return dead.flatMap((text) => {
    const found = contents.find(({ bytes }) => bytes.includes(text));
    return found === undefined ? [] : [wrong(`${JSON.stringify(text)} of a deleted agent stands in ${found.file}`)];
  });
}

export async function filesUnder(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
}

/** As if two hours had gone by since anything was written. */
export async function ageAll(home: string): Promise<void> {
  const then = new Date(Date.now() - 2 * 3_600_000);
  for (const file of await filesUnder(home)) await utimes(file, then, then);
}
