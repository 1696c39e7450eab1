import { planRestore, type RestoredFile, restore } from "../../acting/checkpoints";
import type { CheckpointStore, Workspace } from "../../acting/ports";
import type { AgentId, TurnId } from "../../protocol/service";

export interface PutBackPorts {
  readonly checkpoints: CheckpointStore;
  readonly workspace: Workspace;
}

export interface PutBack {
  /** Paths of the files that were put back. */
  readonly restored: readonly string[];
  /** Of those that stayed as they are, also because the person said so. */
  readonly kept: readonly string[];
}

/**
 * Puts the files that were written in `turns` back as they were before, with what the person changed since; asks first.
 * `undefined`: there is nothing to put back, or the person changed their mind.
 */
export async function putFilesBack(
  agent: AgentId,
  turns: readonly TurnId[],
  ports: PutBackPorts,
  ask: (files: readonly RestoredFile[]) => Promise<PutBackChoice | undefined>,
): Promise<PutBack | undefined> {
  const files = await planRestore(agent, turns, ports.checkpoints, ports.workspace);
  const choice = files.length === 0 ? undefined : await ask(files);
  if (choice === undefined) return undefined;
  const restored: string[] = [];
  const kept: string[] = [];
  for (const file of files) {
    const isWanted = file.plan.kind === "write" || (file.plan.kind === "conflict" && choice === "all");
    const isDone = isWanted && (await restore(file, ports.workspace));
    (isDone ? restored : kept).push(file.shown);
  }
  return { restored, kept };
}

/** "all": also files where the person and the agent changed the same lines: there the person's lines stay. */
export type PutBackChoice = "all" | "plain";

/** How many files would be looked at; 0: nothing is offered. */
export async function filesToPutBack(agent: AgentId, turns: readonly TurnId[], ports: PutBackPorts): Promise<number> {
  const files = await planRestore(agent, turns, ports.checkpoints, ports.workspace);
  return files.filter(({ plan }) => plan.kind !== "kept").length;
}
