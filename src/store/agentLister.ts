/** Lists the agents of a home. Keeps manifests and reads only those again whose files have changed. */
import { readdir } from "node:fs/promises";
import { inBatches } from "../common/batches";
import { ResidentError } from "../common/errors";
import type { AgentList, UnreadableAgent } from "./agentNames";
import { type AgentReader, isSafeId, unreadable } from "./agentReader";
import type { AgentRecord } from "./agentRecord";
import { ifThere, looksInFlight, versionOf } from "./files";
import type { Manifest } from "./manifest";

/** The result of the last listing of a folder. */
type Listed =
  | { readonly version: string; readonly manifest: Manifest }
  | { readonly version: string; readonly unreadable: UnreadableAgent };

export class AgentLister {
  private readonly listed = new Map<string, Listed>();

  constructor(private readonly reader: AgentReader) {}

  async list(): Promise<AgentList> {
    const ids = await this.ids();
    const found = await inBatches(ids, looksInFlight, (id) => this.listOne(id));
    const there = new Set(ids);
    for (const id of this.listed.keys()) if (!there.has(id)) this.listed.delete(id);
    return {
      manifests: inOrder(found),
      unreadable: found.flatMap((one) => (one !== undefined && "unreadable" in one ? [one.unreadable] : [])),
    };
  }

  /**
   * Ids of the delegates of agent `id`, in order of creation. Whose delegate an agent is never changes: of those that a listing
   * has read, no file is looked at again.
   */
  async delegatesOf(id: string): Promise<readonly string[]> {
    const found = await inBatches(await this.ids(), looksInFlight, async (one) => {
      const known = this.listed.get(one);
      return known !== undefined && "manifest" in known ? known : this.listOne(one);
    });
    return inOrder(found).flatMap((manifest) => (manifest.delegateOf === id ? [manifest.id] : []));
  }

  forget(id: string): void {
    this.listed.delete(id);
  }

  /** The agent's name at the last listing. */
  nameOf(id: string): string {
    return agentOf(this.listed.get(id))?.name ?? `the agent ${id}`;
  }

  private async ids(): Promise<readonly string[]> {
    const folders = (await ifThere(this.reader.root, (there) => readdir(there, { withFileTypes: true }))) ?? [];
    return folders.filter((entry) => entry.isDirectory() && isSafeId(entry.name)).map((entry) => entry.name);
  }

  /** `undefined`: the agent was removed meanwhile. */
  private async listOne(id: string): Promise<Listed | undefined> {
    const known = this.listed.get(id);
    try {
      const version = await versionOf(this.reader.file(id, "manifest"));
      if (version !== undefined && known?.version === version && "manifest" in known) return known;
      const listed = await this.readManifest(id, version ?? "", known);
      this.listed.set(id, listed);
      return listed;
    } catch (error) {
      if (!(error instanceof ResidentError)) throw error;
      if (error.code === "AGENT_NOT_FOUND") return undefined;
      const agent = agentOf(known);
      const unreadable = { id, error: error.toInfo(), isNameUnknown: true, ...(agent && { agent }) };
      return { version: "", unreadable };
    }
  }

  private async readManifest(id: string, version: string, known: Listed | undefined): Promise<Listed> {
    try {
      // The manifest may be newer than `version`; then the next listing reads it again.
      return { version, manifest: await this.reader.manifest(id) };
    } catch (error) {
      if (!(error instanceof ResidentError) || error.code !== "AGENT_CORRUPT") throw error;
      const ofTurns = await versionOf(this.reader.file(id, "turns"));
      const damaged = `${version} ${ofTurns} ${error.facts["reason"]}`;
      if (known?.version === damaged) return known;
      const remains = await this.reader.remains(id);
      const { agent } = remains;
      const info = unreadable(id, String(error.facts["reason"]), remains).toInfo();
      const isNameUnknown = agent === undefined;
      return { version: damaged, unreadable: { id, error: info, isNameUnknown, ...(agent && { agent }) } };
    }
  }
}

function inOrder(found: readonly (Listed | undefined)[]): readonly Manifest[] {
  const manifests = found.flatMap((one) => (one !== undefined && "manifest" in one ? [one.manifest] : []));
  return manifests.sort((a, b) => a.index - b.index || a.createdAt - b.createdAt);
}

function agentOf(known: Listed | undefined): AgentRecord | undefined {
  return known && ("manifest" in known ? known.manifest : known.unreadable.agent);
}
