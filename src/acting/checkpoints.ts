/**
 * What a rewind puts back: the files that an agent wrote in the turns that are left, as they were before, with everything that the person
 * changed since. Nothing is written here; `restore` writes what was planned, each file only while it is as it was then.
 */
import type { AgentId, TurnId } from "../protocol/service";
import { type MergeConflict, merge3 } from "./merge";
import { folderKey, isGitPath, PathRefusal } from "./paths";
import type { Checkpoint, CheckpointStore, FileRef, Workspace } from "./ports";
import { resolvePath } from "./resolvePath";

export interface RestoredFile {
  /** Absent: its folder is not open, or it may not be written. */
  readonly file?: FileRef;
  /** For the person. */
  readonly shown: string;
  readonly plan: RestorePlan;
}

export type RestorePlan =
  /** `before`: the text now; absent: there is no such file. `after` absent: the file goes. `isMerged`: with the person's changes. */
  | { readonly kind: "write"; readonly before?: string; readonly after?: string; readonly isMerged: boolean }
  /** As `write`, but where both changed the same lines, `after` has the person's. Only written when the person says so. */
  | {
      readonly kind: "conflict";
      readonly before: string;
      readonly after: string;
      readonly conflicts: readonly MergeConflict[];
    }
  /** It stays as it is; `why` is a sentence without the final stop. */
  | { readonly kind: "kept"; readonly why: string };

/** A text that the store should have. */
const lost = Symbol("lost");

type Looking = Pick<Workspace, "folders" | "realPath" | "read">;

/** Of each file that was written in `turns`; files that are already as they were are left out. In the order of their paths. */
export async function planRestore(
  agent: AgentId,
  turns: readonly TurnId[],
  store: Pick<CheckpointStore, "list" | "text">,
  workspace: Looking,
): Promise<readonly RestoredFile[]> {
  const left = new Set(turns);
  const byFile = new Map<string, Checkpoint[]>();
  for (const checkpoint of await store.list(agent)) {
    if (!left.has(checkpoint.turn)) continue;
    const key = JSON.stringify([checkpoint.folder, checkpoint.path]);
    byFile.set(key, [...(byFile.get(key) ?? []), checkpoint]);
  }
  const files: RestoredFile[] = [];
  for (const writes of byFile.values()) {
    const planned = await planFile(agent, writes, store, workspace);
    if (planned !== undefined) files.push(planned);
  }
  return files.sort((one, other) => (one.shown < other.shown ? -1 : 1));
}

/** Writes one file of a plan; false: it was changed meanwhile, and nothing was written. */
export async function restore({ file, plan }: RestoredFile, workspace: Pick<Workspace, "write">): Promise<boolean> {
  if (file === undefined || plan.kind === "kept") return false;
  const { before, after } = plan;
  const change = { file, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) };
  return (await workspace.write(change)) === "written";
}

async function planFile(
  agent: AgentId,
  writes: readonly Checkpoint[],
  store: Pick<CheckpointStore, "text">,
  workspace: Looking,
): Promise<RestoredFile | undefined> {
  const [{ folder, path } = { folder: "", path: "" }] = writes;
  const place = await placeOf(folder, path, workspace);
  if (typeof place === "string") return { shown: path, plan: { kind: "kept", why: place } };
  const { shown } = place;
  const kept = (why: string): RestoredFile => ({ file: place, shown, plan: { kind: "kept", why } });
  const now = await workspace.read(place);
  if (now.kind !== "text" && now.kind !== "missing") return kept("it is no text any more");
  const current = now.kind === "text" ? now.text : undefined;
  let text = current;
  let isMerged = false;
  const conflicts: MergeConflict[] = [];
  const states: { readonly before: string | undefined; readonly after: string | undefined }[] = [];
  for (const write of writes) {
    const before = await textOf(agent, write.before, store);
    const after = await textOf(agent, write.after, store);
    if (before === lost || after === lost) return kept("the copy of it is gone");
    states.push({ before, after });
  }
  // The newest write is taken back first: what the person changed between two of them stays too.
  for (let at = states.length - 1; at >= 0; at--) {
    const { before, after } = states[at] ?? {};
    if (text === after) {
      text = before;
      continue;
    }
    // It was put back to here already.
    const earlier = states.map((state) => state.before).lastIndexOf(text, at);
    if (earlier >= 0) {
      at = earlier;
      continue;
    }
    if (text === undefined) return kept("you removed it since");
    if (before === undefined) return kept("the agent made it, and you changed it since");
    const merged = merge3(text, after ?? "", before);
    text = merged.text;
    isMerged = true;
    conflicts.push(...merged.conflicts);
  }
  if (text === current && conflicts.length === 0) return undefined;
  const from = current === undefined ? {} : { before: current };
  if (conflicts.length > 0) {
    return { file: place, shown, plan: { kind: "conflict", before: current ?? "", after: text ?? "", conflicts } };
  }
  return {
    file: place,
    shown,
    plan: { kind: "write", ...from, ...(text === undefined ? {} : { after: text }), isMerged },
  };
}

async function textOf(
  agent: AgentId,
  digest: string | undefined,
  store: Pick<CheckpointStore, "text">,
): Promise<string | undefined | typeof lost> {
  return digest === undefined ? undefined : ((await store.text(agent, digest)) ?? lost);
}

/** Where it is among the folders that are open now, or why it cannot be written. */
async function placeOf(folder: string, path: string, workspace: Looking): Promise<FileRef | string> {
  const folders = workspace.folders();
  const index = folders.findIndex((one) => folderKey(one) === folder);
  if (index < 0) return "its folder is not open";
  if (isGitPath(path)) return "git's own files are never touched";
  const prefix = folders.length > 1 ? `${folders[index]?.name}/` : "";
  const place = await resolvePath(prefix + path, workspace, "write");
  return place instanceof PathRefusal ? "it may not be written any more" : place;
}
