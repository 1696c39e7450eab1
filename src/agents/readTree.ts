/** Reads the turns of a log. */
import { ResidentError } from "../common/errors";
import type { TurnId } from "../protocol/service";
import type { StoredAgent } from "../store/agentReader";
import type { Understanding } from "../store/agentRepair";
import { MalformedJson } from "../store/json";
import { Slices } from "../store/slices";
import type { LogEntry } from "../store/turnLog";
import { viewsOf } from "./pinnedFiles";
import { decodeRecord } from "./turnRecords";
import { countTokens, TurnTree } from "./turnTree";

export interface ReadTree {
  readonly tree: TurnTree;
  /** Number of leading entries that are in the tree. */
  readonly kept: number;
  /** Why the next entry is not. */
  readonly reason?: string;
}

/**
 * Works in slices, so that a long log does not block the thread. Stops before the first entry that is not understood.
 */
export async function readTree(entries: readonly LogEntry[]): Promise<ReadTree> {
  const tree = new TurnTree();
  const slices = new Slices();
  let kept = 0;
  for (const entry of entries) {
    try {
      tree.apply(decodeRecord(entry));
    } catch (error) {
      if (!(error instanceof MalformedJson)) throw error;
      return { tree, kept, reason: error.message };
    }
    kept += 1;
    await slices.pause();
  }
  return { tree, kept };
}

/** Throws AGENT_CORRUPT on entries that this program does not understand. */
export async function wholeTree({ manifest: { id, name }, entries }: StoredAgent): Promise<TurnTree> {
  const { tree, reason } = await readTree(entries);
  if (reason === undefined) return tree;
  throw new ResidentError(
    "AGENT_CORRUPT",
    `${name}'s log cannot be understood: ${reason}`,
    "open it with the version of this program that wrote it, or repair the agent: what stands before is kept",
    { agent: id, name, damage: reason },
  );
}

/** Why nothing can follow the head that a manifest names. */
export function damageOfHead(tree: TurnTree, head: TurnId | undefined): string | undefined {
  return head === undefined || tree.get(head) !== undefined ? undefined : `its last turn ${head} is not in its log`;
}

/** What a repair needs to know about entries. */
export async function understandEntries(
  entries: readonly LogEntry[],
  wanted: TurnId | undefined,
): Promise<Understanding> {
  const { tree, kept, reason } = await readTree(entries);
  const head = wanted !== undefined && tree.get(wanted) !== undefined ? wanted : tree.newest();
  return {
    kept,
    ...(reason === undefined ? {} : { reason }),
    turns: tree.size,
    ...(head === undefined ? {} : { head }),
    headTokens: countTokens(tree, head),
    headTurns: tree.turnCount(head),
    headCalls: tree.waitingAt(head),
    ...(tree.files.length === 0 ? {} : { files: viewsOf(tree.files) }),
  };
}
