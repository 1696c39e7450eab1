import assert from "node:assert/strict";
import * as vscode from "vscode";
import { commands } from "../../../src/extension/contributions";
import type { PinnedFileState } from "../../../src/protocol/chatFiles";
import { ask, run } from "../support";

describe("files after the window was closed", () => {
  it("are pinned as before and not read again; what changed meanwhile is told", async () => {
    const [folder] = vscode.workspace.workspaceFolders ?? [];
    assert(folder);
    const later = vscode.Uri.joinPath(folder.uri, "later.txt");
    const text = Buffer.from(await vscode.workspace.fs.readFile(later)).toString();
    await vscode.workspace.fs.writeFile(later, Buffer.from(text.replace("line 9.", "line nine.")));
    const state = await run<PinnedFileState>(commands.pinFiles, { agent: "Pin keeper", paths: ["kept.txt"] });
    assert.deepEqual(state.files.map(({ path, state: is }) => [path, is]).sort(), [
      ["kept.txt", "read"],
      ["later.txt", "changed"],
    ]);
    const { figures } = await ask("Pin keeper", "What has changed?");
    assert(figures.reusedTokens > 60 * 6, `${figures.reusedTokens} tokens were reused`);
    assert(figures.prefilledTokens > 40 && figures.prefilledTokens < 160, `${figures.prefilledTokens} were read`);
  });
});
