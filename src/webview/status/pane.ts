import { type Children, h, icon, type TreeNode } from "../shared/tree";

export interface PaneOptions {
  readonly title: string;
  /** Right of the title. */
  readonly hint?: string;
  /** Spans both columns in the wide layout. */
  readonly wide?: boolean;
  readonly class?: string;
}

/** A section that can be folded, as in VS Code's own side bar. */
export function pane({ title, hint, wide = false, class: className }: PaneOptions, ...content: Children[]): TreeNode {
  return h(
    "details.pane",
    { key: title, open: true, class: [wide ? "wide" : "", className ?? ""].join(" ").trim() || undefined },
    h("summary", {}, icon("chevron-down"), h("h2", {}, title), hint !== undefined && h("span.hint.num", {}, hint)),
    h("div.in", {}, content),
  );
}

/** A name and its figure. */
export function counter(name: string, value: Children, title?: string): TreeNode {
  return h("div", { key: name }, h("dt", { title }, name), h("dd", {}, value));
}
