import { childrenOf, h, type TreeNode, withChildren } from "./tree";

const holders: ReadonlySet<string> = new Set(
  "p ul ol li blockquote h2 h3 h4 h5 h6 pre div table tbody thead tr td th".split(" "),
);

/** Puts the caret where the next text of a streaming block will stand: after the last of its innermost last element. */
export function withCaret(node: TreeNode): TreeNode {
  const children = childrenOf(node);
  const last = children.at(-1);
  if (last !== undefined && typeof last !== "string" && holders.has(String(last.type))) {
    return withChildren(node, [...children.slice(0, -1), withCaret(last)]);
  }
  return withChildren(node, [...children, caret()]);
}

export function caret(): TreeNode {
  return h("span.caret", { key: "caret", "aria-hidden": "true" });
}
