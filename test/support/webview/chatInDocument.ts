import type { ChatUpdate } from "../../../src/protocol/chat";
import type { Reply } from "../../../src/protocol/page";
import { ChatPage } from "../../../src/webview/chat/chatPage";

/** The parts of a page's messages that tests read. */
interface Posted {
  readonly type: string;
  readonly id?: number;
  readonly command?: { readonly type: string };
}

/** The whole chat page in the document of `useDocument`; the test controls frames and idle time. */
export class ChatInDocument {
  readonly posted: Posted[] = [];
  readonly page: ChatPage;
  state: unknown;
  private readonly frames: (() => void)[] = [];
  private readonly idle: (() => void)[] = [];
  private receive: (event: { readonly data: unknown }) => void = () => {};

  constructor(state?: unknown) {
    this.state = state;
    Object.assign(globalThis, {
      window: {
        addEventListener: (type: string, listener: (event: { readonly data: unknown }) => void) => {
          if (type === "message") this.receive = listener;
        },
      },
      acquireVsCodeApi: () => ({
        postMessage: (message: Posted) => this.posted.push(message),
        getState: () => this.state,
        setState: (next: unknown) => {
          this.state = next;
        },
      }),
      requestAnimationFrame: (work: () => void) => this.frames.push(work),
      requestIdleCallback: (work: () => void) => this.idle.push(work),
      ResizeObserver: class {
        observe() {}
      },
    });
    Object.assign(document, { hasFocus: () => true, getSelection: () => null });
    this.page = new ChatPage();
    document.body.append(this.page.element);
  }

  /** Posts as the host; nothing is drawn before the next frame. */
  post(message: ChatUpdate | Reply): void {
    this.receive({ data: message });
  }

  /** Posts as the host and draws a frame. */
  show(message: ChatUpdate | Reply): void {
    this.post(message);
    this.frame();
  }

  frame(): void {
    for (const work of this.frames.splice(0)) work();
  }

  /** Runs all of the page's idle work. */
  rest(): void {
    while (this.idle.length > 0) this.idle.shift()?.();
  }

  /** Answers the newest command of this type, with a problem when it failed. */
  async reply(type: string, problem?: Extract<Reply, { type: "failed" }>["problem"]): Promise<void> {
    const id = [...this.posted].reverse().find(({ command }) => command?.type === type)?.id;
    if (id === undefined) throw new Error(`the page asked for no ${type}`);
    this.post(problem ? { type: "failed", id, problem } : { type: "reply", id });
    await Promise.resolve();
    this.frame();
  }
}
