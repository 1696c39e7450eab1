import assert from "node:assert/strict";
import type { ChatSnapshot } from "../../../src/protocol/chat";
import type { PageTurn } from "../../../src/protocol/page";
import { ChatInDocument } from "../../support/webview/chatInDocument";
import { useDocument } from "../../support/webview/dom";
import { longSnapshot, runningId, textUpdate } from "../../support/webview/longChat";

describe("a long conversation", () => {
  useDocument();

  it("costs an update as much as a short one does, in elements and in trees", () => {
    const short = workOfUpdates(3);
    const long = workOfUpdates(100);
    assert.deepEqual(long, short);
    assert(long.elements > 0);
    assert.equal(long.otherTurnsRead, 0);
  });

  it("draws the newest turns in the first frame and the others while it is idle", () => {
    const chat = new ChatInDocument();
    chat.show({ type: "snapshot", snapshot: longSnapshot(100) });
    const articles = () => [...document.querySelectorAll("article")];
    const drawn = () => articles().filter(({ childElementCount }) => childElementCount > 0);
    assert.equal(articles().length, 100);
    assert(drawn().length < 20, `${drawn().length} turns are drawn`);
    assert.equal(drawn().at(-1), articles().at(-1));
    chat.rest();
    assert.equal(drawn().length, 100);
  });

  it("draws a turn that comes near the view at once", () => {
    const chat = new ChatInDocument();
    chat.show({ type: "snapshot", snapshot: longSnapshot(100) });
    const first = document.querySelector("article");
    assert.equal(first?.childElementCount, 0);
    comesNear(first);
    assert(first?.textContent?.includes("What is serendipity?"));
  });

  it("draws only what is near the view anew when an answer ends, the others when they come near", () => {
    const chat = new ChatInDocument();
    const { turns, ...rest } = longSnapshot(100);
    chat.show({ type: "snapshot", snapshot: { ...rest, turns } });
    chat.rest();
    const [first, ...others] = document.querySelectorAll("article");
    const near = others.at(-3);
    comesNear(near);
    const canRegenerate = (article: Element | undefined) =>
      article?.querySelector("button[aria-label=Regenerate]")?.hasAttribute("disabled") === false;
    assert(!canRegenerate(near));
    chat.show({
      type: "turn",
      turn: { id: runningId, user: "And now?", answer: "Done.", state: "done", createdAt: 0 },
    });
    assert(canRegenerate(near));
    assert(!canRegenerate(first));
    comesNear(first);
    assert(canRegenerate(first));
  });

  it("keeps the elements of turns that stay when others come and go", () => {
    const chat = new ChatInDocument();
    const snapshot = longSnapshot(20);
    chat.show({ type: "snapshot", snapshot });
    const before = [...document.querySelectorAll("article")];
    const turns = [...snapshot.turns.slice(0, 5), ...snapshot.turns.slice(12, 15)];
    chat.show({ type: "branch", branch: { turns, branches: [] } });
    assert.deepEqual(
      [...document.querySelectorAll("article")].map((article) => before.indexOf(article)),
      [0, 1, 2, 3, 4, 12, 13, 14],
    );
  });
});

function comesNear(article: Element | null | undefined): void {
  article?.dispatchEvent(
    Object.assign(new Event("contentvisibilityautostatechange", { bubbles: true }), { skipped: false }),
  );
}

interface Work {
  /** Elements made, moved, searched or given an attribute. */
  readonly elements: number;
  /** Reads of what other turns than the running one say. */
  readonly otherTurnsRead: number;
}

/** What ten updates of a streaming answer do in a page that has drawn `count` turns. */
function workOfUpdates(count: number): Work {
  const reads = { count: 0 };
  const chat = new ChatInDocument();
  chat.show({ type: "snapshot", snapshot: counted(longSnapshot(count), reads) });
  chat.rest();
  chat.show(textUpdate(0, "It "));
  reads.count = 0;
  const elements = countedElements(() => {
    for (let offset = 3; offset < 33; offset += 3) chat.show(textUpdate(offset, "is "));
  });
  chat.page.element.remove();
  return { elements, otherTurnsRead: reads.count };
}

/** The same conversation, in which reading an ended turn's answer is counted. */
function counted(snapshot: ChatSnapshot, reads: { count: number }): ChatSnapshot {
  const turns = snapshot.turns.map((turn): PageTurn => {
    if (turn.state === "running") return turn;
    const { answer, ...rest } = turn;
    return {
      ...rest,
      get answer() {
        reads.count += 1;
        return answer;
      },
    };
  });
  return { ...snapshot, turns };
}

function countedElements(work: () => void): number {
  let count = 0;
  const prototype: object = Element.prototype;
  const names = ["setAttribute", "removeAttribute", "querySelectorAll", "querySelector", "insertBefore", "append"];
  const own = names.map((name) => [name, Object.getOwnPropertyDescriptor(prototype, name)] as const);
  for (const name of names) {
    const original: unknown = Reflect.get(prototype, name);
    if (typeof original !== "function") throw new Error(`elements have no ${name}`);
    Object.defineProperty(prototype, name, {
      configurable: true,
      value(...args: readonly unknown[]) {
        count += 1;
        const result: unknown = Reflect.apply(original, this, args);
        // A search costs what it finds.
        if (name === "querySelectorAll" && Array.isArray(result)) count += result.length;
        return result;
      },
    });
  }
  try {
    work();
  } finally {
    for (const [name, descriptor] of own) {
      if (descriptor) Object.defineProperty(prototype, name, descriptor);
      else Reflect.deleteProperty(prototype, name);
    }
  }
  return count;
}
