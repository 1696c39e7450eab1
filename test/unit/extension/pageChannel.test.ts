import assert from "node:assert/strict";
import { AbortedError } from "../../../src/common/errors";
import { PageChannel } from "../../../src/extension/pages/pageChannel";
import { type ChatCommand, type ChatToPage, isChatToHost } from "../../../src/protocol/chat";

/** A webview, which throws when it is touched after it was disposed. */
class Webview {
  readonly posted: unknown[] = [];
  disposed = false;
  private listener: (message: unknown) => void = () => {};

  postMessage(message: unknown): Promise<boolean> {
    if (this.disposed) throw new Error("Webview is disposed");
    this.posted.push(message);
    return Promise.resolve(true);
  }

  onDidReceiveMessage(listener: (message: unknown) => void) {
    this.listener = listener;
    return {
      dispose: () => {
        this.listener = () => {};
      },
    };
  }

  receive(message: unknown): void {
    this.listener(message);
  }
}

describe("the host's end of a page's messages", () => {
  const failures: unknown[] = [];
  beforeEach(() => failures.splice(0));

  function open(onCommand: (command: ChatCommand) => Promise<void> = async () => {}) {
    const webview = new Webview();
    const channel = new PageChannel<ChatCommand, ChatToPage>(webview, {
      name: "chat",
      guard: isChatToHost,
      onReady: () => channel.post({ type: "draftSize", serial: 1 }),
      onCommand,
      onFailure: (error) => failures.push(error),
      language: "en",
    });
    return { webview, channel };
  }

  const stop = { type: "request", id: 7, command: { type: "stop" } };
  const settled = () => new Promise((resolve) => setTimeout(resolve));

  it("posts nothing before the page is ready, and nothing while it is hidden", () => {
    const { webview, channel } = open();
    channel.post({ type: "draftSize", serial: 2 });
    webview.receive({ type: "ready" });
    channel.suspend();
    channel.post({ type: "draftSize", serial: 3 });
    assert.deepEqual(webview.posted, [{ type: "draftSize", serial: 1 }]);
  });

  it("answers each request, or says why it failed", async () => {
    let failure: Error | undefined;
    const { webview } = open(async () => {
      if (failure) throw failure;
    });
    webview.receive(stop);
    await settled();
    failure = new AbortedError();
    webview.receive({ ...stop, id: 8 });
    await settled();
    const [reply, failed] = webview.posted;
    assert.deepEqual(reply, { type: "reply", id: 7 });
    assert(typeof failed === "object" && failed !== null && "type" in failed && "id" in failed);
    assert.deepEqual([failed.type, failed.id, failures.length], ["failed", 8, 1]);
  });

  it("sends nothing to a page that was closed while its request ran, and calls that no failure", async () => {
    let done = () => {};
    const { webview, channel } = open(
      () =>
        new Promise((resolve) => {
          done = resolve;
        }),
    );
    webview.receive(stop);
    webview.disposed = true;
    channel.dispose();
    done();
    await settled();
    assert(channel.closed);
    assert.deepEqual([webview.posted, failures], [[], []]);
  });

  it("takes a webview for a closed page when it is disposed before its owner is told", async () => {
    const { webview, channel } = open();
    webview.receive({ type: "ready" });
    webview.disposed = true;
    channel.post({ type: "draftSize", serial: 4 });
    assert(channel.closed);
    assert(!channel.live);
    webview.receive(stop);
    await settled();
    assert.deepEqual(failures, []);
  });

  it("notes a message that the protocol does not have", () => {
    const { webview } = open();
    webview.receive({ type: "request", id: 1, command: { type: "format the disk" } });
    assert.equal(failures.length, 1);
    assert.deepEqual(webview.posted, []);
  });
});
