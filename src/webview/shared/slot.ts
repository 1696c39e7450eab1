import { patch } from "./patch";
import { type Child, type Children, flatten } from "./tree";

/** A place in the page that shows a tree. */
export class Slot {
  private shown: readonly Child[] = [];

  constructor(readonly element: HTMLElement) {}

  show(...children: readonly Children[]): void {
    this.shown = patch(this.element, this.shown, flatten(children));
  }
}
