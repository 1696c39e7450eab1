/** Kind of the nodes with text in the JSON of @vscode/prompt-tsx (its jsonTypes.ts). */
const textNode = 2;

/**
 * The text of a prompt-tsx part: the texts of its tree in their order, joined as VS Code itself joins them. Any other
 * value is given as JSON. No recursion: a tree may be deeper than the stack.
 */
export function promptText(value: unknown): string {
  if (typeof value !== "object" || value === null || !("node" in value)) return jsonText(value);
  const parts: string[] = [];
  const open: unknown[] = [value.node];
  while (open.length > 0) {
    const node = open.pop();
    if (typeof node !== "object" || node === null) continue;
    if ("type" in node && node.type === textNode) {
      if ("lineBreakBefore" in node && node.lineBreakBefore) parts.push("\n");
      if ("text" in node && typeof node.text === "string") parts.push(node.text);
    } else if ("children" in node && Array.isArray(node.children)) {
      for (let i = node.children.length - 1; i >= 0; i--) open.push(node.children[i]);
    }
  }
  return parts.join("");
}

/** "" for what JSON cannot hold: a cycle, a value that is too deep. */
export function jsonText(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "";
  } catch {
    return "";
  }
}
