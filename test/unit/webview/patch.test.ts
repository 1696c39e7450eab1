import assert from "node:assert/strict";
import fc from "fast-check";
import { patch } from "../../../src/webview/shared/patch";
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

  it("gives the same document as making it anew", () => {
    fc.assert(
      fc.property(fc.array(forest, { minLength: 1, maxLength: 4 }), (versions) => {
        const root = newRoot();
        let shown: readonly Child[] = [];
        for (const version of versions) shown = patch(root, shown, version);
        const fresh = newRoot();
        patch(fresh, [], shown);
        assert.deepEqual(looksOf(root), looksOf(fresh));
      }),
    );
  });

  it("keeps the element of a key when its place changes", () => {
    const root = newRoot();
    const item = (key: string) => h("li", { key }, key);
    const before = patch(root, [], [item("a"), item("b"), item("c")]);
    const [a, b, c] = [...root.children];
    patch(root, before, [item("c"), item("a"), item("d")]);
    assert.equal(root.textContent, "cad");
    assert.equal(root.children[0], c);
    assert.equal(root.children[1], a);
    assert(b && !root.contains(b));
  });

  it("appends to a text that grew, so that a selection in it stays", () => {
    const root = newRoot();
    const before = patch(root, [], ["one"]);
    const node = root.firstChild;
    patch(root, before, ["one two"]);
    assert.equal(root.firstChild, node);
    assert.equal(root.textContent, "one two");
  });

  it("calls the listener of the newest tree, once", () => {
    const root = newRoot();
    const heard: string[] = [];
    const button = (name: string) => [h("button", { on: { click: () => heard.push(name) } }, "press")];
    const before = patch(root, [], button("old"));
    patch(root, before, button("new"));
    root.querySelector("button")?.dispatchEvent(new Event("click"));
    assert.deepEqual(heard, ["new"]);
  });

  it("calls no listener that a newer tree does not have", () => {
    const root = newRoot();
    const heard: string[] = [];
    const before = patch(root, [], [h("button", { on: { click: () => heard.push("old") } })]);
    patch(root, before, [h("button")]);
    root.querySelector("button")?.dispatchEvent(new Event("click"));
    assert.deepEqual(heard, []);
  });

  it("writes markup in a text as text", () => {
    const root = newRoot();
    patch(root, [], ["<img src=x onerror=alert(1)>"]);
    assert.equal(root.children.length, 0);
    assert.equal(root.textContent, "<img src=x onerror=alert(1)>");
  });

  it("sets custom properties and takes them away again", () => {
    const root = newRoot();
    const before = patch(root, [], [h("i", { style: { "--w": "10%", "--c": "red" } })]);
    const [element] = root.children;
    assert(element instanceof HTMLElement);
    assert.equal(element.style.getPropertyValue("--w"), "10%");
    patch(root, before, [h("i", { style: { "--w": "20%" } })]);
    assert.equal(element.style.getPropertyValue("--w"), "20%");
    assert(!element.style.getPropertyValue("--c"));
  });
});
