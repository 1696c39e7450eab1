/**
 * Which agents refer to which objects of the store: each agent's folder names the keys of its blocks and its tail. The
 * files of other programs' conversations name keys too.
 */
import { lstat, readdir } from "node:fs/promises";
import path from "node:path";
import { toErrorInfo } from "../common/errors";
import { deletedPrefix, newPrefix } from "./agentSweep";
import { modelFolder } from "./blockIdentity";
import { ifThere, versionOf } from "./files";
import { MalformedJson } from "./json";
import { groupOf, type KeyGroups, readKeys } from "./keyFile";
import {
  agentFiles,
  decodeManifest,
  keysOfManifest,
  type Manifest,
  maxManifestBytes,
  type TailManifest,
} from "./manifest";
import { referencesOf as referencesOfThread, threadsIn } from "./threadFiles";
import { readUntrusted } from "./untrustedFile";

/** The references of one agent's folder. */
interface FolderReferences {
  readonly version: string;
  readonly keys: ReadonlySet<string>;
  readonly tail: TailManifest | undefined;
  /** Folder of its model's objects and the model's name. */
  readonly model?: readonly [folder: string, name: string];
  /** Why the folder may have more references than are known. */
  readonly unknown?: string;
}

export interface References {
  readonly isReferenced: (key: string) => boolean;
  readonly numAgents: number;
  /** The tail that each agent's folder refers to, by folder name; a folder with unknown references is missing. */
  readonly tails: ReadonlyMap<string, TailManifest | undefined>;
  /** Names of models by the folders of their objects, where an agent states them. */
  readonly models: ReadonlyMap<string, string>;
  /** Agents that may have more references than are known, and why. */
  readonly unknown: readonly { readonly agent: string; readonly reason: string }[];
}

/** Reads the references of all agents of a home without their locks; rereads only changed folders. */
export class ReferenceReader {
  private readonly folders = new Map<string, FolderReferences>();
  private readonly threads = new Map<string, { readonly version: string; readonly keys: ReadonlySet<string> }>();
  /** How many folders name each key. */
  private readonly counts = new Map<string, number>();
  private last: Promise<unknown> = Promise.resolve();

  /** `threadsRoot`: folder of the conversations of other programs; it need not exist. */
  constructor(
    readonly agentsRoot: string,
    private readonly threadsRoot?: string,
  ) {}

  /** The references on disk at some moment after the call. Throws IO_FAILURE when the agents cannot be listed. */
  read(): Promise<References> {
    const read = this.last.then(() => this.readNow());
    this.last = read.catch(() => {});
    return read;
  }

  private async readNow(): Promise<References> {
    let agents: readonly string[] | undefined = [];
    // A folder that was renamed during the read is read again under its new name.
    for (let before = ""; ; before = agents.join()) {
      agents = await this.listed();
      if (agents === undefined || agents.join() === before) break;
      for (const agent of agents) await this.readFolder(agent);
    }
    const there = new Set(agents ?? []);
    for (const [agent, { keys }] of this.folders) {
      if (there.has(agent)) continue;
      this.folders.delete(agent);
      this.count(keys, -1);
    }
    await this.readThreads();
    return {
      isReferenced: (key) => this.counts.has(key),
      numAgents: this.folders.size,
      tails: new Map(
        [...this.folders].flatMap(([agent, { tail, unknown }]) => (unknown === undefined ? [[agent, tail]] : [])),
      ),
      models: new Map([...this.folders.values()].flatMap(({ model }) => (model === undefined ? [] : [model]))),
      unknown: [
        ...(agents === undefined ? [{ agent: "of any name", reason: "the agents' folder is missing" }] : []),
        ...[...this.folders].flatMap(([agent, { unknown }]) =>
          unknown === undefined ? [] : [{ agent, reason: unknown }],
        ),
      ],
    };
  }

  /** `undefined`: the agents' folder is missing. */
  private async listed(): Promise<readonly string[] | undefined> {
    const entries = await ifThere(this.agentsRoot, (root) => readdir(root, { withFileTypes: true }));
    // Agents that are being created have a private name and count. Folders that are being deleted have no references.
    const folders = entries?.filter((entry) => entry.isDirectory() && !entry.name.startsWith(deletedPrefix));
    return folders?.map(({ name }) => name).sort();
  }

  private async readFolder(agent: string): Promise<void> {
    const folder = path.join(this.agentsRoot, agent);
    const known = this.folders.get(agent);
    const version = await versionOfFolder(folder);
    if (version !== undefined && known?.version === version) return;
    const read = await referencesOf(folder, version ?? "");
    this.folders.set(agent, read);
    // In this order, so that keys in both versions stay referenced throughout.
    this.count(read.keys, 1);
    if (known !== undefined) this.count(known.keys, -1);
  }

  /** Threads only save work: those that cannot be read refer to nothing. */
  private async readThreads(): Promise<void> {
    const { threadsRoot } = this;
    if (threadsRoot === undefined) return;
    const names = new Set(await threadsIn(threadsRoot).catch(() => []));
    for (const name of names) {
      const file = path.join(threadsRoot, name);
      const version = (await versionOf(file).catch(() => undefined)) ?? "";
      const known = this.threads.get(name);
      if (known?.version === version) continue;
      const found = await referencesOfThread(file).catch(() => undefined);
      const read = { version, keys: new Set(found?.keys) };
      this.threads.set(name, read);
      this.count(read.keys, 1);
      if (known !== undefined) this.count(known.keys, -1);
    }
    for (const [name, { keys }] of this.threads) {
      if (names.has(name)) continue;
      this.threads.delete(name);
      this.count(keys, -1);
    }
  }

  private count(keys: ReadonlySet<string>, change: 1 | -1): void {
    for (const key of keys) {
      const count = (this.counts.get(key) ?? 0) + change;
      if (count > 0) this.counts.set(key, count);
      else this.counts.delete(key);
    }
  }
}

/**
 * All keys that the agent in `folder` refers to, by identity. Throws when they cannot be known: the key file cannot be
 * read, or the manifest, which may contain them all, cannot be read.
 */
export async function keysOfAgent(folder: string): Promise<KeyGroups> {
  return (await readAgent(folder)).groups;
}

async function versionOfFolder(folder: string): Promise<string | undefined> {
  try {
    const files = [agentFiles.keys, agentFiles.manifest];
    return (await Promise.all(files.map((name) => versionOf(path.join(folder, name))))).join();
  } catch {
    return undefined;
  }
}

async function referencesOf(folder: string, version: string): Promise<FolderReferences> {
  try {
    const { manifest, groups } = await readAgent(folder);
    const cache = manifest?.cache;
    const found = { version, keys: new Set(allKeys(groups)), tail: cache?.tail };
    if (manifest === undefined || cache === undefined) return found;
    return { ...found, model: [modelFolder(cache.identity), manifest.modelName] };
  } catch (error) {
    const reason = error instanceof MalformedJson ? `its manifest: ${error.message}` : toErrorInfo(error).what;
    return { version, keys: new Set(), tail: undefined, unknown: reason };
  }
}

/** The manifest, if it can be read, and all keys. */
async function readAgent(folder: string): Promise<{ readonly manifest?: Manifest; readonly groups: KeyGroups }> {
  // In this order: a save moves keys from an old manifest into the file before it writes the manifest without them.
  const manifest = await readManifest(folder).catch((error: unknown) => ({ error }));
  const groups = await readKeys(path.join(folder, agentFiles.keys));
  if (manifest === undefined) {
    const isLost = groups.size === 0 && (await ifThere(path.join(folder, agentFiles.turns), lstat)) !== undefined;
    if (isLost && !path.basename(folder).startsWith(newPrefix)) throw new MalformedJson("it is missing");
    return { groups };
  }
  if (!("error" in manifest)) return { manifest, groups: withOldKeys(manifest, groups) };
  // With a manifest of format 1, which contains the keys, the key file is empty.
  if (groups.size === 0) throw manifest.error;
  return { groups };
}

function withOldKeys(manifest: Manifest, groups: KeyGroups): KeyGroups {
  const old = keysOfManifest(manifest);
  if (old === undefined) return groups;
  const id = groupOf(old.identity);
  const known = groups.get(id) ?? new Map<string, number>();
  return new Map([...groups, [id, new Map([...old.keys.map((key) => [key, 0] as const), ...known])]]);
}

/** `undefined`: the agent is not committed yet or is being removed. */
async function readManifest(folder: string): Promise<Manifest | undefined> {
  const bytes = await readUntrusted(path.join(folder, agentFiles.manifest), maxManifestBytes);
  return bytes === undefined ? undefined : decodeManifest(bytes);
}

function allKeys(groups: KeyGroups): readonly string[] {
  return [...groups.values()].flatMap((keys) => [...keys.keys()]);
}
