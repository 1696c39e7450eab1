/** What a conversation says of changes in pinned files. */
import type { ToldChange } from "../protocol/service";
import { attachmentsOf } from "./turnInput";
import type { Turn } from "./turnTree";

/** The last change of each path that the turns tell, the oldest turn first; in the order in which they were told. */
export function toldChanges(turns: readonly Turn[]): readonly ToldChange[] {
  const told = new Map<string, ToldChange>();
  for (const { input } of turns) {
    for (const { kind, path, digest } of attachmentsOf(input)) {
      if (kind !== "change") continue;
      told.delete(path);
      told.set(path, { path, digest });
    }
  }
  return [...told.values()];
}
