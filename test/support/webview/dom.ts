import { parseHTML } from "linkedom";

/** Gives the code under test a document of its own; nothing is laid out or painted in it. */
export function useDocument(): () => HTMLElement {
  const { document, Text, Element, HTMLElement, SVGElement, HTMLButtonElement, Event } = parseHTML(
    "<!doctype html><html><body></body></html>",
  );
  bindListeners(Element.prototype);
  before(() => {
    const CSS = { supports: () => true };
    Object.assign(globalThis, { document, Text, Element, HTMLElement, SVGElement, HTMLButtonElement, Event, CSS });
  });
  afterEach(() => document.body.replaceChildren());
  return () => {
    const root = document.createElement("div");
    document.body.append(root);
    return root;
  };
}

/** linkedom calls a listener with the event's target as `this`: in a browser it is the element that listens. */
function bindListeners(prototype: Element): void {
  const { addEventListener, removeEventListener } = prototype;
  const bound = new WeakMap<Element, Map<unknown, EventListenerObject>>();
  const of = (element: Element, listener: unknown): EventListenerObject => {
    const known = bound.get(element) ?? new Map<unknown, EventListenerObject>();
    bound.set(element, known);
    const handleEvent = (event: Event) => (typeof listener === "function" ? listener.call(element, event) : undefined);
    const one = known.get(listener) ?? { handleEvent };
    known.set(listener, one);
    return one;
  };
  Object.assign(prototype, {
    addEventListener(this: Element, type: string, listener: unknown, options?: AddEventListenerOptions) {
      addEventListener.call(this, type, of(this, listener), options);
    },
    removeEventListener(this: Element, type: string, listener: unknown) {
      removeEventListener.call(this, type, of(this, listener));
    },
  });
}
