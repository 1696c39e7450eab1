import * as vscode from "vscode";
import type { AgentSummary } from "../../protocol/service";
import { instructionsScheme } from "../contributions";
import { instructionsAddress } from "./instructionsAddress";
import { isOf } from "./instructionsFiles";

/** Shows the agent's instructions in an editor; one that is open already is brought to the front. */
export async function openInstructions(agent: AgentSummary): Promise<void> {
  const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs);
  const open = tabs.map(({ input }) => input).find((input) => isOf(input, agent.id));
  const uri = isOf(open, agent.id)
    ? open.uri
    : vscode.Uri.from({ scheme: instructionsScheme, ...instructionsAddress(agent) });
  const document = await vscode.workspace.openTextDocument(uri);
  await vscode.window.showTextDocument(document, { preview: false });
}
