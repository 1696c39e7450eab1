import type { TreeNode } from "./tree";

/** Trees that were rendered before, by key: a tree that is the same object as the last time is skipped. */
export class KeptTrees<Kept extends TreeNode | undefined = TreeNode> {
  private readonly kept = new Map<string, { readonly from: readonly unknown[]; readonly node: Kept }>();

  /** The kept tree, unless one of the values that it is made from is another one now. */
  view(key: string, from: readonly unknown[], render: () => Kept): Kept {
    const before = this.kept.get(key);
    if (before && from.every((value, at) => value === before.from[at])) return before.node;
    const node = render();
    this.kept.set(key, { from, node });
    return node;
  }

  keepOnly(keys: ReadonlySet<string>): void {
    for (const key of this.kept.keys()) if (!keys.has(key)) this.kept.delete(key);
  }

  clear(): void {
    this.kept.clear();
  }
}
