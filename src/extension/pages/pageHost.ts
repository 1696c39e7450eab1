import { randomBytes } from "node:crypto";
import * as vscode from "vscode";
import type { Failures } from "../commands/failures";
import { type ChannelSpec, PageChannel } from "./pageChannel";
import { pageHtml } from "./pageHtml";

export interface PageSpec<Command> extends Omit<ChannelSpec<Command>, "onFailure" | "language"> {
  readonly title: string;
}

/** The host's end of one page: its messages, and its HTML. */
export class PageHost<Command, Update> extends PageChannel<Command, Update> {
  constructor(webview: vscode.Webview, spec: PageSpec<Command>, failures: Failures, extensionUri: vscode.Uri) {
    const { language } = vscode.env;
    super(webview, { ...spec, language, onFailure: (error) => failures.note(error) });
    const root = vscode.Uri.joinPath(extensionUri, "dist", "webview");
    const uriOf = (file: string) => webview.asWebviewUri(vscode.Uri.joinPath(root, file)).toString();
    webview.options = { enableScripts: true, localResourceRoots: [root] };
    webview.html = pageHtml({
      title: spec.title,
      language,
      scriptUri: uriOf(`${spec.name}.js`),
      styleUri: uriOf(`${spec.name}.css`),
      cspSource: webview.cspSource,
      nonce: randomBytes(16).toString("base64"),
    });
  }
}
