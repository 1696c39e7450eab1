/**
 * What a page shows, as plain data. Views are pure functions from state to such trees; patch.ts brings the document into
 * their shape. No HTML text is made anywhere, so text that a model wrote can only ever become text.
 */
export interface Props {
  /** Tells children of one parent apart across renders. */
  readonly key?: string;
  readonly class?: string | undefined;
  /** Custom properties, set through the CSSOM: the content security policy allows no style attributes. */
  readonly style?: Readonly<Record<`--${string}`, string>>;
  readonly on?: Readonly<Record<string, (event: Event) => void>>;
  /** Attributes: `true` is an empty one, `false` and `undefined` are absent. */
  readonly [attribute: string]: unknown;
}

export interface TreeNode {
  readonly tag: string;
  readonly props: Props;
  readonly children: readonly Child[];
}

export type Child = TreeNode | string;
export type Children = Child | false | undefined | readonly Children[];

/** `h("button.icon-btn", { "aria-label": "Stop" }, icon("debug-stop"))` */
export function h(selector: string, props: Props = {}, ...children: readonly Children[]): TreeNode {
  const [tag = "div", ...classes] = selector.split(".");
  const all = [...classes, ...(props.class ? [props.class] : [])].join(" ");
  return { tag, props: all ? { ...props, class: all } : props, children: flatten(children) };
}

export function flatten(children: readonly Children[]): readonly Child[] {
  return children.flatMap((child) => {
    if (child === undefined || child === false) return [];
    return typeof child === "string" || "tag" in child ? [child] : flatten(child);
  });
}

export function icon(name: string, className?: string): TreeNode {
  return h(`span.codicon.codicon-${name}`, { class: className, "aria-hidden": "true" });
}

export function textOf(child: Child): string {
  return typeof child === "string" ? child : child.children.map(textOf).join("");
}
