/**
 * Brings what VS Code's find widget selects into view: in a browser it selects the text and leaves the scrolling to the
 * page. The widget has the focus then; a selection that a person makes in the page is left alone.
 */
export function revealFoundText(transcript: HTMLElement): void {
  document.addEventListener("selectionchange", () => {
    const selection = document.getSelection();
    if (document.hasFocus() || selection === null || selection.isCollapsed || !selection.anchorNode) return;
    if (transcript.contains(selection.anchorNode))
      selection.anchorNode.parentElement?.scrollIntoView({ block: "center" });
  });
}
