import { parseHTML } from "linkedom";

/** Gives the code under test a document of its own; nothing is laid out or painted in it. */
export function useDocument(): () => HTMLElement {
  const { document, Text, Element, HTMLElement, SVGElement, HTMLButtonElement, Event } = parseHTML(
    "<!doctype html><html><body></body></html>",
  );
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
