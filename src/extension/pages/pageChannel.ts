import type { Disposable } from "../../common/disposables";
import { toErrorInfo } from "../../common/errors";
import type { Reply, ToHost } from "../../protocol/page";
import { problemOf } from "../commands/errorText";

/** What a channel needs of a webview. */
export interface PagePort {
  /** Throws when the webview is disposed; resolves to false when the page is gone. */
  postMessage(message: unknown): PromiseLike<boolean>;
  onDidReceiveMessage(listener: (message: unknown) => void): Disposable;
}

export interface ChannelSpec<Command> {
  readonly name: "chat" | "room" | "status";
  readonly guard: (value: unknown) => value is ToHost<Command>;
  /** The page booted or found a gap: send it a whole snapshot. */
  readonly onReady: () => void;
  /** Resolves: the request is answered. Rejects: it failed, and the page says so. */
  readonly onCommand: (command: Command) => Promise<void>;
  /** To be logged only: the page shows the failure, or nobody has to see it. */
  readonly onFailure: (error: unknown) => void;
  readonly language: string;
}

/** The host's end of one page's messages: each request is answered or failed, updates go to a page that is there. */
export class PageChannel<Command, Update> implements Disposable {
  private readonly listening: Disposable;
  private ready = false;
  private gone = false;

  constructor(
    private readonly port: PagePort,
    private readonly spec: ChannelSpec<Command>,
  ) {
    this.listening = port.onDidReceiveMessage((message) => this.receive(message));
  }

  /** Whether a page is there to receive; one that is not gets a snapshot when it comes. */
  get live(): boolean {
    return this.ready;
  }

  /** The webview is disposed: its methods throw now. */
  get closed(): boolean {
    return this.gone;
  }

  /** The page is hidden and its document is gone. It posts `ready` when it is shown again. */
  suspend(): void {
    this.ready = false;
  }

  post(update: Update): void {
    if (this.ready) this.send(update);
  }

  dispose(): void {
    this.ready = false;
    this.gone = true;
    this.listening.dispose();
  }

  private receive(message: unknown): void {
    const { spec } = this;
    if (!spec.guard(message)) {
      spec.onFailure(new Error(`the ${spec.name} page posted a message that its protocol does not have`));
      return;
    }
    if (message.type === "ready") {
      this.ready = true;
      spec.onReady();
      return;
    }
    const { id, command } = message;
    spec.onCommand(command).then(
      () => this.send({ type: "reply", id }),
      (error: unknown) => {
        spec.onFailure(error);
        this.send({ type: "failed", id, problem: problemOf(toErrorInfo(error), { language: spec.language }) });
      },
    );
  }

  /** Sends nothing to a page that was closed meanwhile; that is not a failure. */
  private send(message: Update | Reply): void {
    if (this.gone) return;
    try {
      this.port.postMessage(message).then(undefined, (error: unknown) => this.spec.onFailure(error));
    } catch {
      // A webview throws only when it is disposed. Its owner learns that later.
      this.dispose();
    }
  }
}
