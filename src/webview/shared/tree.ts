/**
 * What a page shows, as Preact's virtual nodes. Views are pure functions from state to such trees; slot.ts brings the
 * document into their shape. No HTML text is made anywhere, so text that a model wrote can only ever become text.
 */
import { Fragment, type VNode } from "preact";
import { jsx } from "preact/jsx-runtime";
import { GrowingText, type TextProps } from "./growingText";

export interface Props {
  /** Tells children of one parent apart across renders. */
  readonly key?: string;
  readonly class?: string | undefined;
  /** Custom properties, set through the CSSOM: the content security policy allows no style attributes. */
  readonly style?: Readonly<Record<`--${string}`, string>>;
  readonly on?: Readonly<Record<string, (event: Event) => void>>;
  /** Attributes: `false` and `undefined` are absent. */
  readonly [attribute: string]: unknown;
}

/** An element, with its listeners among its properties: `onclick`. */
export type TreeNode = VNode<NodeProps>;

interface NodeProps {
  readonly class?: string;
  readonly children: readonly (TreeNode | VNode<TextProps>)[];
  readonly [attribute: string]: unknown;
}

export type Child = TreeNode | string;
export type Children = Child | false | undefined | readonly Children[];

/** `h("button.icon-btn", { "aria-label": "Stop" }, icon("debug-stop"))` */
export function h(selector: string, given: Props = {}, ...children: readonly Children[]): TreeNode {
  const [tag = "div", ...classes] = selector.split(".");
  const { key, on = {}, class: further, ...props } = given;
  const all = [...classes, ...(further ? [further] : [])].join(" ");
  const listeners = Object.fromEntries(Object.entries(on).map(([type, listener]) => [`on${type}`, listener]));
  return element(tag, { ...props, ...listeners, ...(all ? { class: all } : {}) }, key, flatten(children));
}

/** The same element with other children. */
export function withChildren({ type, props, key }: TreeNode, children: readonly Child[]): TreeNode {
  return element(String(type), props, key, children);
}

function element(tag: string, props: object, key: TreeNode["key"], children: readonly Child[]): TreeNode {
  return jsx(tag, { ...props, children: children.map(stored) }, key);
}

function stored(child: Child): TreeNode | VNode<TextProps> {
  return typeof child === "string" ? jsx(GrowingText, { text: child }) : child;
}

/** For Preact: children without an element around them. */
export function fragment(children: readonly Child[]): VNode {
  return jsx(Fragment, { children: children.map(stored) });
}

export function childrenOf({ props }: TreeNode): readonly Child[] {
  return props.children.map((child) => (isText(child) ? child.props.text : child));
}

function isText(node: TreeNode | VNode<TextProps>): node is VNode<TextProps> {
  return node.type === GrowingText;
}

export function flatten(children: readonly Children[]): readonly Child[] {
  return children.flatMap((child) => {
    if (child === undefined || child === false) return [];
    return typeof child === "string" || "type" in child ? [child] : flatten(child);
  });
}

export function icon(name: string, className?: string): TreeNode {
  return h(`span.codicon.codicon-${name}`, { class: className, "aria-hidden": "true" });
}

export function textOf(child: Child): string {
  return typeof child === "string" ? child : childrenOf(child).map(textOf).join("");
}
