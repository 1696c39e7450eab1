import * as vscode from "vscode";
import { createFormats } from "../../common/format";
import { shownName } from "../../common/shownName";
import type { AgentSummary, ResidentService } from "../../protocol/service";
import { numberField } from "../commands/commandArguments";
import { withJobProgress } from "../commands/progress";

/** Turns that are kept as they are, where the person says nothing else. */
const keptTurns = 2;

/**
 * Puts a summary in the place of all but the last turns, on a new branch. Argument: turns, how many of the last ones are kept
 * as they are.
 */
export async function compactConversation(
  agent: AgentSummary,
  door: Pick<ResidentService, "compactAgent">,
  argument: unknown,
): Promise<AgentSummary> {
  const turns = numberField(argument, "turns") ?? keptTurns;
  const title = `Compacting ${shownName(agent.name)}`;
  const compacted = await withJobProgress(title, (onProgress, signal) =>
    door.compactAgent(agent.id, { turns }, onProgress, signal),
  );
  const { count } = createFormats(vscode.env.language);
  const text = `${shownName(agent.name)} has ${count(compacted.tokens)} tokens now, after ${count(agent.tokens)}. The branch before is still there.`;
  vscode.window.setStatusBarMessage(text, 8000);
  return compacted;
}
