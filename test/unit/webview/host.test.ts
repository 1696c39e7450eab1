import assert from "node:assert/strict";
import type { Problem } from "../../../src/protocol/page";
import { Host } from "../../../src/webview/shared/host";

interface Command {
  readonly type: "stop";
}
interface Update {
  readonly type: "agent";
}

const failed = (code: Problem["error"]["code"]): Problem => ({
  error: { code, what: "", advice: "", facts: {} },
  actions: [],
});

describe("the page's end of the messages", () => {
  const posted: unknown[] = [];
  const updates: Update[] = [];
  let state: unknown;
  let receive: (event: { readonly data: unknown }) => void = () => {};

  function newHost(): Host<Command, Update> {
    return new Host<Command, Update>((update) => updates.push(update));
  }

  before(() => {
    Object.assign(globalThis, {
      window: {
        addEventListener: (_type: string, listener: typeof receive) => {
          receive = listener;
        },
      },
      acquireVsCodeApi: () => ({
        postMessage: (message: unknown) => posted.push(message),
        getState: () => state,
        setState: (next: unknown) => {
          state = next;
        },
      }),
    });
  });

  beforeEach(() => {
    posted.length = 0;
    updates.length = 0;
    state = undefined;
  });

  it("settles each request by its own answer, in any order", async () => {
    const host = newHost();
    const [first, second] = [host.request({ type: "stop" }), host.request({ type: "stop" })];
    receive({ data: { type: "failed", id: 1, problem: failed("AGENT_BUSY") } });
    receive({ data: { type: "reply", id: 0 } });
    assert.equal(await first, undefined);
    assert.equal((await second)?.error.code, "AGENT_BUSY");
    assert.deepEqual(updates, []);
  });

  it("does not tell as a problem what was cancelled", async () => {
    const request = newHost().request({ type: "stop" });
    receive({ data: { type: "failed", id: 0, problem: failed("ABORTED") } });
    assert.equal(await request, undefined);
  });

  it("hands every other message on", () => {
    newHost();
    receive({ data: { type: "agent" } });
    assert.deepEqual(updates, [{ type: "agent" }]);
  });

  it("asks for the snapshot with ready", () => {
    newHost().ready();
    assert.deepEqual(posted, [{ type: "ready" }]);
  });

  it("remembers the id, the draft and the place, and nothing else", () => {
    const host = newHost();
    host.rememberId("agent-1");
    host.remember({ draft: "hel", scrollTop: 40 });
    assert.deepEqual(state, { id: "agent-1", draft: "hel", scrollTop: 40 });
    host.remember({ draft: "hello" });
    assert.deepEqual(state, { id: "agent-1", draft: "hello" });
    assert.deepEqual(host.memory, { draft: "hello" });
  });

  it("starts with an empty draft when what was kept is not its own", () => {
    for (const foreign of [undefined, null, "text", 5, { draft: 5, scrollTop: "x" }]) {
      state = foreign;
      assert.deepEqual(newHost().memory, { draft: "" });
    }
  });
});
