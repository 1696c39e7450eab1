import { render } from "preact";
import { type Children, childrenOf, flatten, fragment, type TreeNode } from "./tree";

/** A place in the page that shows a tree. A node that is the same object as the last time is skipped. */
export class Slot {
  constructor(readonly element: HTMLElement) {}

  show(...children: readonly Children[]): void {
    render(fragment(flatten(children)), this.element);
  }
}

/** An element that takes the shape of a tree's root: its attributes, and its children. */
export class RootSlot {
  private shown: TreeNode | undefined;

  constructor(
    readonly element: HTMLElement,
    /** The attributes that change; all others are the element's own. */
    private readonly attributes: readonly string[],
  ) {}

  show(node: TreeNode): void {
    for (const name of this.attributes) {
      const value = node.props[name];
      if (value === this.shown?.props[name]) continue;
      if (value === undefined || value === false) this.element.removeAttribute(name);
      else this.element.setAttribute(name, String(value));
    }
    this.shown = node;
    render(fragment(childrenOf(node)), this.element);
  }
}
