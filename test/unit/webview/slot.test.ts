import assert from "node:assert/strict";
import fc from "fast-check";
import { RootSlot, Slot } from "../../../src/webview/shared/slot";
import { type Child, h } from "../../../src/webview/shared/tree";
import { useDocument } from "../../support/webview/dom";

const tag = fc.constantFrom("p", "li", "span", "button", "svg", "path");
const { tree } = fc.letrec<{ tree: Child }>((tie) => ({
  tree: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.string({ minLength: 1, maxLength: 6 }).map((it) => it.replace(/[<>&\s]/g, "x")),
    fc
      .tuple(
        tag,
        fc.option(fc.constantFrom("a", "b", "c"), { nil: undefined }),
        fc.option(fc.constantFrom("x", "y z"), { nil: undefined }),
        fc.option(fc.boolean(), { nil: undefined }),
        fc.array(tie("tree"), { maxLength: 4 }),
      )
      .map(([name, key, className, disabled, children]) =>
        h(name, { ...(key === undefined ? {} : { key }), class: className, disabled }, children),
      ),
  ),
}));
const forest = fc.array(tree, { maxLength: 5 });

/** All that a reader could tell apart: names, attributes in no order, texts. */
function looksOf(node: Node): unknown {
  if (!(node instanceof Element)) return node.textContent;
  const attributes = Object.fromEntries([...node.attributes].map(({ name, value }) => [name, value]));
  return [node.tagName, attributes, [...node.childNodes].map(looksOf)];
}

describe("bringing the document into the shape of a tree", () => {
  const newRoot = useDocument();
  const newSlot = () => new Slot(newRoot());

  it("gives the same document as making it anew", () => {
    fc.assert(
      fc.property(fc.array(forest, { minLength: 1, maxLength: 4 }), (versions) => {
        const slot = newSlot();
        for (const version of versions) slot.show(version);
        const fresh = newSlot();
        fresh.show(versions.at(-1));
        assert.deepEqual(looksOf(slot.element), looksOf(fresh.element));
      }),
    );
  });

  it("keeps the element of a key when its place changes", () => {
    const slot = newSlot();
    const { element } = slot;
    const item = (key: string) => h("li", { key }, key);
    slot.show(item("a"), item("b"), item("c"));
    const [a, b, c] = [...element.children];
    slot.show(item("c"), item("a"), item("d"));
    assert.equal(element.textContent, "cad");
    assert.equal(element.children[0], c);
    assert.equal(element.children[1], a);
    assert(b && !element.contains(b));
  });

  it("skips a tree that is the same object as before", () => {
    const slot = newSlot();
    const kept = h("p", {}, "kept");
    slot.show(kept, "1");
    const [shown] = slot.element.children;
    assert(shown);
    shown.textContent = "changed behind its back";
    slot.show(kept, "2");
    assert.equal(slot.element.textContent, "changed behind its back2");
  });

  it("shows a kept tree again that was away, and twice at once", () => {
    const slot = newSlot();
    const kept = h("p", {}, h("b", {}, "kept"), " text");
    slot.show(kept);
    slot.show();
    assert.equal(slot.element.textContent, "");
    slot.show(kept, kept);
    assert.equal(slot.element.textContent, "kept textkept text");
    slot.show(h("i"), kept);
    assert.equal(slot.element.textContent, "kept text");
  });

  it("appends to a text that grew, so that a selection in it stays", () => {
    const slot = newSlot();
    slot.show(h("p", {}, "one"));
    const node = slot.element.firstChild?.firstChild;
    assert(node instanceof Text);
    const changes: string[] = [];
    const append = node.appendData.bind(node);
    node.appendData = (text) => {
      changes.push(text);
      append(text);
    };
    slot.show(h("p", {}, "one two"));
    assert.equal(slot.element.firstChild?.firstChild, node);
    assert.equal(slot.element.textContent, "one two");
    assert.deepEqual(changes, [" two"]);
    slot.show(h("p", {}, "other"));
    assert.equal(slot.element.textContent, "other");
  });

  it("calls the listener of the newest tree, once", () => {
    const slot = newSlot();
    const heard: string[] = [];
    const button = (name: string) => h("button", { on: { click: () => heard.push(name) } }, "press");
    slot.show(button("old"));
    slot.show(button("new"));
    slot.element.querySelector("button")?.dispatchEvent(new Event("click"));
    assert.deepEqual(heard, ["new"]);
  });

  it("calls no listener that a newer tree does not have", () => {
    const slot = newSlot();
    const heard: string[] = [];
    slot.show(h("button", { on: { click: () => heard.push("old") } }));
    slot.show(h("button"));
    slot.element.querySelector("button")?.dispatchEvent(new Event("click"));
    assert.deepEqual(heard, []);
  });

  it("writes markup in a text as text", () => {
    const slot = newSlot();
    slot.show("<img src=x onerror=alert(1)>");
    assert.equal(slot.element.children.length, 0);
    assert.equal(slot.element.textContent, "<img src=x onerror=alert(1)>");
  });

  it("sets custom properties and takes them away again", () => {
    const slot = newSlot();
    slot.show(h("i", { style: { "--w": "10%", "--c": "red" } }));
    const [element] = slot.element.children;
    assert(element instanceof HTMLElement);
    assert.equal(element.style.getPropertyValue("--w"), "10%");
    slot.show(h("i", { style: { "--w": "20%" } }));
    assert.equal(element.style.getPropertyValue("--w"), "20%");
    assert(!element.style.getPropertyValue("--c"));
  });

  it("gives an element of the page the attributes of a tree's root, and its children", () => {
    const element = newRoot();
    element.id = "own";
    const slot = new RootSlot(element, ["aria-label", "aria-busy"]);
    slot.show(h("article", { "aria-label": "Turn 1", "aria-busy": "true" }, "text"));
    assert.equal(element.getAttribute("aria-busy"), "true");
    slot.show(h("article", { "aria-label": "Turn 2" }, "more"));
    assert.deepEqual(
      [element.id, element.getAttribute("aria-label"), element.hasAttribute("aria-busy"), element.textContent],
      ["own", "Turn 2", false, "more"],
    );
  });
});
