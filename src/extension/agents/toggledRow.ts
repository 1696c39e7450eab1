/**
 * VS Code tells an extension which rows are selected, and not which one has the focus. Keys in the tree toggle the
 * focused row's selection first: the row by which the selection differs is the focused one.
 */
export function toggledRow<Id>(before: readonly Id[], after: readonly Id[]): Id | undefined {
  return after.filter((id) => !before.includes(id)).at(-1) ?? before.filter((id) => !after.includes(id)).at(-1);
}
