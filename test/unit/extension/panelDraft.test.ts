import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { Emitter } from "../../../src/common/events";
import { Drafts } from "../../../src/extension/chat/drafts";
import { PanelDraft } from "../../../src/extension/chat/panelDraft";
import type { ChatToPage, MessageDraft } from "../../../src/protocol/chat";
import type { ServiceEvent } from "../../../src/protocol/service";

describe("the message of a panel, on the host's side", () => {
  function newDraft() {
    const memory = new Map<string, unknown>();
    const drafts = new Drafts(
      { get: (key) => memory.get(key), update: async (key, value) => void memory.set(key, value) },
      { onEvent: new Emitter<ServiceEvent>().event },
      (error) => assert.fail(String(error)),
    );
    const posted: ChatToPage[] = [];
    const measured: MessageDraft[] = [];
    const page = { live: true, post: (update: ChatToPage) => posted.push(update) };
    const open = () =>
      new PanelDraft("ada", {
        drafts,
        measure: async (message) => {
          measured.push(message);
          return undefined;
        },
        carriesFiles: () => false,
        page,
        onError: (error) => assert.fail(String(error)),
      });
    return { draft: open(), open, page, posted, measured };
  }

  it("is there for the next panel of the agent, until it is sent", () => {
    const { draft, open } = newDraft();
    draft.rested({ type: "readAhead", draft: "half a thought", serial: 1 });
    assert.equal(draft.written, "half a thought");
    assert.deepEqual(open().kept, { text: "half a thought" });
    draft.sent();
    assert.equal(open().kept, undefined);
  });

  it("is not read ahead while an earlier message is edited, but kept, and measured in that one's place", () => {
    const { draft, open, measured } = newDraft();
    draft.rested({ type: "readAhead", draft: "edited", instead: "t2", serial: 1 });
    assert.equal(draft.written, "");
    assert.deepEqual(open().kept, { text: "edited", instead: "t2" });
    assert.deepEqual(measured, [{ text: "edited", instead: "t2" }]);
  });

  it("is not measured again when it has been sent", async () => {
    const { draft, posted, measured } = newDraft();
    draft.rested({ type: "readAhead", draft: "edited", instead: "t2", serial: 1 });
    draft.sent();
    await setImmediate();
    draft.measureAgain();
    await setImmediate();
    assert.equal(measured.length, 1);
    assert.deepEqual(posted, [], "its size is no news any more");
  });

  it("keeps what came back until a page is there, and tells it once", () => {
    const { draft, page, posted } = newDraft();
    const problem = { error: { code: "CONTEXT_FULL", what: "w", advice: "a", facts: {} }, actions: [] } as const;
    page.live = false;
    draft.giveBack({ text: "long" }, problem);
    draft.takeFocus();
    draft.flush();
    assert.deepEqual(posted, []);
    page.live = true;
    draft.flush();
    draft.flush();
    assert.deepEqual(posted, [{ type: "refused", message: { text: "long" }, problem }, { type: "focusMessage" }]);
  });
});
