import assert from "node:assert/strict";
import * as vscode from "vscode";
import { commands } from "../../src/extension/contributions";
import type { ChatAttachments } from "../../src/extension/files/fileCommands";
import { Actors, done } from "./actors";
import { ask, closeEditors, run, runRefused, until } from "./support";

/** A terminal that shows this text. */
function terminalWith(name: string, text: string): vscode.Terminal {
  const written = new vscode.EventEmitter<string>();
  const open = () => written.fire(text);
  return vscode.window.createTerminal({ name, pty: { onDidWrite: written.event, open, close: () => {} } });
}

describe("what is selected in a terminal", () => {
  let actors: Actors;

  before(async () => {
    actors = await Actors.start("Terminal Reader");
  });
  after(() => actors.server.stop());
  afterEach(closeEditors);

  it("goes with a message as it stands there, and the clipboard is as before", async () => {
    const agent = await actors.make(["read_file"]);
    const terminal = terminalWith("Sea log", "\u001b[31mThe tide\u001b[0m is out.   \r\nThe boats wait.\r\n");
    const attach = { agent, background: true };
    try {
      terminal.show();
      await vscode.env.clipboard.writeText("on the clipboard");
      const refused = await runRefused(commands.addTerminalToChat, attach);
      assert.match(refused.what, /nothing is selected in the terminal/);
      assert.equal(await vscode.env.clipboard.readText(), "on the clipboard");
      let added: ChatAttachments | undefined;
      await until("its text is there to be selected", async () => {
        await vscode.commands.executeCommand("workbench.action.terminal.selectAll");
        const result = await vscode.commands.executeCommand<ChatAttachments | object>(
          commands.addTerminalToChat,
          attach,
        );
        if ("attachments" in result) added = result;
        return added !== undefined;
      });
      assert.deepEqual(
        added?.attachments.map(({ kind, path, problem }) => [kind, path, problem]),
        [["terminal", "Sea log", undefined]],
      );
      assert.equal(await vscode.env.clipboard.readText(), "on the clipboard");
      actors.server.play(done);
      await ask(agent, "What does it say?", { attached: true });
      assert.match(JSON.stringify(actors.server.requests.at(-1)?.json), /The tide is out\.\\nThe boats wait\./);
      assert.deepEqual((await run<ChatAttachments>(commands.addToChat, { ...attach, paths: [] })).attachments, []);
    } finally {
      terminal.dispose();
    }
  });
});
