import assert from "node:assert/strict";
import { Composer } from "../../../src/webview/shared/composer";
import { useDocument } from "../../support/webview/dom";

describe("the message field", () => {
  const newRoot = useDocument();
  const sent: string[] = [];
  const drafts: string[] = [];
  let takesKey = false;

  function newComposer(blocked?: string): Composer {
    const composer = new Composer({
      send: (text) => sent.push(text),
      changed: (draft) => drafts.push(draft),
      key: () => takesKey,
    });
    newRoot().append(composer.element);
    composer.render({ label: "Message to Ada", placeholder: "", blocked });
    return composer;
  }

  function press(composer: Composer, key: string, state: object = {}): boolean {
    const event = new Event("keydown", { cancelable: true });
    Object.assign(event, { key, shiftKey: false, altKey: false, isComposing: false }, state);
    composer.field.dispatchEvent(event);
    return event.defaultPrevented;
  }

  beforeEach(() => {
    sent.length = 0;
    drafts.length = 0;
    takesKey = false;
  });

  it("sends with Enter what is written, without the spaces around it", () => {
    const composer = newComposer();
    composer.draft = "  hello\n";
    assert(press(composer, "Enter"));
    assert.deepEqual(sent, ["hello"]);
  });

  it("starts a line with Shift+Enter", () => {
    const composer = newComposer();
    composer.draft = "hello";
    assert(!press(composer, "Enter", { shiftKey: true }));
    assert.deepEqual(sent, []);
  });

  it("leaves Enter to an input method that composes", () => {
    const composer = newComposer();
    composer.draft = "にほん";
    assert(!press(composer, "Enter", { isComposing: true }));
    assert.deepEqual(sent, []);
  });

  it("sends without a text what carries something else", () => {
    const composer = newComposer();
    composer.render({ label: "Message to Ada", placeholder: "", mayBeEmpty: true });
    press(composer, "Enter");
    assert.deepEqual(sent, [""]);
  });

  it("sends nothing that is empty, and nothing while sending is blocked", () => {
    const composer = newComposer();
    composer.draft = "  ";
    press(composer, "Enter");
    const blocked = newComposer("Available when the answer has ended.");
    blocked.draft = "hello";
    press(blocked, "Enter");
    assert.deepEqual(sent, []);
    assert.equal(blocked.draft, "hello");
  });

  it("says on the button why sending is blocked", () => {
    const send = newComposer("Choose a model first.").element.querySelector("button");
    assert(send?.hasAttribute("disabled"));
    assert.match(send?.getAttribute("title") ?? "", /Choose a model first\./);
  });

  it("gives a key to an open list before it uses it", () => {
    const composer = newComposer();
    composer.draft = "@te";
    takesKey = true;
    assert(press(composer, "Enter"));
    assert.deepEqual(sent, []);
  });

  it("tells every change of the draft, so that it survives a reload", () => {
    const composer = newComposer();
    composer.draft = "a";
    assert.deepEqual(drafts, ["a"]);
  });
});
