/**
 * VS Code tells extensions which rows are selected, but not which row has the focus. Our keys in the tree first toggle
 * the selection of the focused row, so the row that was added or removed is the focused one.
 */
export function toggledRow<Id>(before: readonly Id[], after: readonly Id[]): Id | undefined {
  return after.filter((id) => !before.includes(id)).at(-1) ?? before.filter((id) => !after.includes(id)).at(-1);
}
