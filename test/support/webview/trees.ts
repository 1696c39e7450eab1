/** Finds nodes in a page's tree, as a reader would find them in the page. */
import {
  type Child,
  type Children,
  childrenOf,
  flatten,
  type TreeNode,
  textOf,
} from "../../../src/webview/shared/tree";

export function nodesOf(...children: readonly Children[]): readonly TreeNode[] {
  return flatten(children).flatMap((child) =>
    typeof child === "string" ? [] : [child, ...nodesOf(childrenOf(child))],
  );
}

/** The first node whose attribute has this value; fails when there is none. */
function byAttribute(name: string, value: unknown, ...children: readonly Children[]): TreeNode {
  const found = nodesOf(...children).find(({ props }) => props[name] === value);
  if (!found) throw new Error(`no node has ${name}=${String(value)}`);
  return found;
}

export function byRole(role: string, ...children: readonly Children[]): TreeNode {
  return byAttribute("role", role, ...children);
}

export function buttons(...children: readonly Children[]): readonly string[] {
  return nodesOf(...children)
    .filter(({ type }) => type === "button")
    .map((button) => String(button.props["aria-label"] ?? textOf(button)));
}

/** Presses the button of this name. */
export function press(name: string, ...children: readonly Children[]): void {
  const button = nodesOf(...children).find(
    (node) => node.type === "button" && (node.props["aria-label"] ?? textOf(node)) === name,
  );
  if (!button) throw new Error(`no button is called ${name}`);
  click(button);
}

/** Calls the listener of a click. */
export function click({ type, props }: TreeNode, event = new Event("click")): void {
  const { onclick } = props;
  if (typeof onclick !== "function") throw new Error(`nothing listens for a click on this ${String(type)}`);
  onclick(event);
}

export function text(...children: readonly Children[]): string {
  return flatten(children).map(textOf).join("");
}

export function classes(child: Child): readonly string[] {
  return typeof child === "string" ? [] : (child.props.class?.split(" ") ?? []);
}
