import { randomBytes } from "node:crypto";
import * as vscode from "vscode";
import type { Disposable } from "../../common/disposables";
import { toErrorInfo } from "../../common/errors";
import type { Reply, ToHost } from "../../protocol/page";
import { problemOf } from "../commands/errorText";
import type { Failures } from "../commands/failures";
import { pageHtml } from "./pageHtml";

export interface PageSpec<Command> {
  readonly name: "chat" | "room" | "status";
  readonly title: string;
  readonly guard: (value: unknown) => value is ToHost<Command>;
  /** The page booted or found a gap: send it a whole snapshot. */
  readonly onReady: () => void;
  /** Resolves: the request is answered. Rejects: it failed, and the page says so. */
  readonly onCommand: (command: Command) => Promise<void>;
}

/** The host's end of one page: its HTML, its requests (each answered or failed), and what is posted to it. */
export class PageHost<Command, Update> implements Disposable {
  private readonly listening: Disposable;
  private ready = false;

  constructor(
    private readonly webview: vscode.Webview,
    private readonly spec: PageSpec<Command>,
    private readonly failures: Failures,
    extensionUri: vscode.Uri,
  ) {
    const root = vscode.Uri.joinPath(extensionUri, "dist", "webview");
    const uriOf = (file: string) => webview.asWebviewUri(vscode.Uri.joinPath(root, file)).toString();
    webview.options = { enableScripts: true, localResourceRoots: [root] };
    this.listening = webview.onDidReceiveMessage((message: unknown) => this.receive(message));
    webview.html = pageHtml({
      title: spec.title,
      language: vscode.env.language,
      scriptUri: uriOf(`${spec.name}.js`),
      styleUri: uriOf(`${spec.name}.css`),
      cspSource: webview.cspSource,
      nonce: randomBytes(16).toString("base64"),
    });
  }

  /** Whether a page is there to receive; one that is not gets a snapshot when it comes. */
  get live(): boolean {
    return this.ready;
  }

  /** The page is hidden and its document gone: it will say `ready` when it is shown again. */
  suspend(): void {
    this.ready = false;
  }

  post(update: Update): void {
    if (this.ready) this.send(update);
  }

  dispose(): void {
    this.ready = false;
    this.listening.dispose();
  }

  private receive(message: unknown): void {
    if (!this.spec.guard(message)) {
      this.failures.note(new Error(`the ${this.spec.name} page posted a message that its protocol does not have`));
      return;
    }
    if (message.type === "ready") {
      this.ready = true;
      this.spec.onReady();
      return;
    }
    const { id, command } = message;
    this.spec.onCommand(command).then(
      () => this.send({ type: "reply", id }),
      (error: unknown) => {
        this.failures.note(error);
        const problem = problemOf(toErrorInfo(error), { language: vscode.env.language });
        this.send({ type: "failed", id, problem });
      },
    );
  }

  private send(message: Update | Reply): void {
    // Resolves to false when the page is gone, which is no failure.
    this.webview.postMessage(message).then(undefined, (error: unknown) => this.failures.note(error));
  }
}
