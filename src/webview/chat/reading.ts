/** A person has the focus or a selection in `element`, or has gone up and has a part of it in view. */
export function isReadIn(element: Element, view: Element, isAtEnd: boolean): boolean {
  if (element.contains(document.activeElement)) return true;
  const selection = document.getSelection();
  if (selection !== null && !selection.isCollapsed && selection.containsNode(element, true)) return true;
  if (isAtEnd) return false;
  const { top, bottom } = element.getBoundingClientRect();
  const seen = view.getBoundingClientRect();
  return bottom > seen.top && top < seen.bottom;
}
