/**
 * Scrolls to what VS Code's find widget selects: in a browser the widget only selects the text. While the widget is used,
 * the page does not have the focus; a selection that a person makes in the page does not scroll.
 */
export function revealFoundText(transcript: HTMLElement): void {
  document.addEventListener("selectionchange", () => {
    const selection = document.getSelection();
    if (document.hasFocus() || selection === null || selection.isCollapsed || !selection.anchorNode) return;
    if (transcript.contains(selection.anchorNode))
      selection.anchorNode.parentElement?.scrollIntoView({ block: "center" });
  });
}
