/** Brings the document into the shape of a tree, touching only what differs from the tree before. */
import type { Child, Props, TreeNode } from "./tree";

/** The tree that each element shows now. The next tree is compared with it, and its listeners are called. */
const shown = new WeakMap<Element, TreeNode>();
const listened = new WeakMap<Element, Set<string>>();

/** Makes `parent`'s children those of `children`; all of them must have been made by an earlier call. */
export function patch(parent: Element, before: readonly Child[], children: readonly Child[]): readonly Child[] {
  if (before !== children) patchChildren(parent, before, children);
  return children;
}

function createElement(child: TreeNode): Element {
  const element = isSvg(child.tag)
    ? document.createElementNS("http://www.w3.org/2000/svg", child.tag)
    : document.createElement(child.tag);
  patchProps(element, {}, child.props);
  listen(element, child.props);
  for (const inner of child.children) element.append(create(inner));
  shown.set(element, child);
  return element;
}

function create(child: Child): Node {
  return typeof child === "string" ? document.createTextNode(child) : createElement(child);
}

function isSvg(tag: string): boolean {
  return tag === "svg" || tag === "path";
}

/** Brings an element that shows `before` into the shape of `after`. */
export function patchElement(element: Element, before: TreeNode, after: TreeNode): void {
  if (before === after) return;
  patchProps(element, before.props, after.props);
  listen(element, after.props);
  patchChildren(element, before.children, after.children);
  shown.set(element, after);
}

function patchText(node: Node, before: string, after: string): void {
  if (before === after || !(node instanceof Text)) return;
  // Appending keeps the reader's selection in a text that streams.
  if (after.startsWith(before)) node.appendData(after.slice(before.length));
  else node.data = after;
}

function patchChildren(parent: Element, before: readonly Child[], after: readonly Child[]): void {
  const first = sameAtStart(before, after);
  const last = sameAtEnd(before, after, first);
  if (first + last === before.length && first + last === after.length) return;
  let at: Node | null = parent.childNodes[first] ?? null;
  const free = new Map<string, { readonly node: Node; readonly child: Child }[]>();
  for (let index = first; index < before.length - last; index++) {
    const node = at;
    const child = before[index];
    if (!node || child === undefined) break;
    at = node.nextSibling;
    const slot = slotOf(child);
    const queue = free.get(slot);
    if (queue) queue.push({ node, child });
    else free.set(slot, [{ node, child }]);
  }
  const placed = after.slice(first, after.length - last).map((child) => {
    const match = free.get(slotOf(child))?.shift();
    if (!match) return create(child);
    if (typeof child === "string") patchText(match.node, String(match.child), child);
    else if (typeof match.child !== "string" && match.node instanceof Element) {
      patchElement(match.node, match.child, child);
    }
    return match.node;
  });
  for (const queue of free.values()) for (const { node } of queue) node.parentNode?.removeChild(node);
  at = parent.childNodes[first] ?? null;
  for (const node of placed) {
    if (node === at) at = node.nextSibling;
    else parent.insertBefore(node, at);
  }
}

/** The number of children at the start that are identical objects in both lists: they need no comparison. */
function sameAtStart(before: readonly Child[], after: readonly Child[]): number {
  const most = Math.min(before.length, after.length);
  let count = 0;
  while (count < most && before[count] === after[count]) count++;
  return count;
}

/** The same for the end, without the `first` children at the start. */
function sameAtEnd(before: readonly Child[], after: readonly Child[], first: number): number {
  const most = Math.min(before.length, after.length) - first;
  let count = 0;
  while (count < most && before[before.length - 1 - count] === after[after.length - 1 - count]) count++;
  return count;
}

/** Children that may take each other's place: the same key and tag, else the same tag in order. */
function slotOf(child: Child): string {
  return typeof child === "string" ? "" : `${child.tag} ${child.props.key ?? ""}`;
}

const notAttributes = new Set(["key", "style", "on"]);

function patchProps(element: Element, before: Props, after: Props): void {
  if (before === after) return;
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (notAttributes.has(name) || before[name] === after[name]) continue;
    const value = after[name];
    if (value === undefined || value === false) element.removeAttribute(name);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  patchStyle(element, before.style ?? {}, after.style ?? {});
}

function patchStyle(element: Element, before: NonNullable<Props["style"]>, after: NonNullable<Props["style"]>): void {
  if (!(element instanceof HTMLElement || element instanceof SVGElement)) return;
  for (const name of Object.keys(before)) if (!Object.hasOwn(after, name)) element.style.removeProperty(name);
  for (const [name, value] of Object.entries(after)) element.style.setProperty(name, value);
}

function listen(element: Element, props: Props): void {
  if (!props.on) return;
  const types = listened.get(element) ?? new Set<string>();
  listened.set(element, types);
  for (const type of Object.keys(props.on)) {
    if (types.has(type)) continue;
    types.add(type);
    element.addEventListener(type, (event) => shown.get(element)?.props.on?.[type]?.(event));
  }
}
