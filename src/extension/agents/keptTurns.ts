import * as vscode from "vscode";
import { InvalidRequestError } from "../../common/errors";
import { createFormats } from "../../common/format";
import type { AgentDetail } from "../../protocol/service";
import { keptTurnChoices } from "./keptTurnChoices";

/** Asks how many of the last turns to keep; each choice says how many tokens are read again. */
export async function pickKeptTurns(detail: AgentDetail, title: string): Promise<number | undefined> {
  const choices = keptTurnChoices(detail.turns);
  if (choices.length === 0) {
    throw new InvalidRequestError(
      `"${detail.name}" has too few turns to leave any out`,
      "rewind it, or make a new agent",
    );
  }
  const formats = createFormats(vscode.env.language);
  const items = choices.map(({ turns, tokens, firstMessage }) => ({
    turns,
    label: turns === 1 ? "The last turn" : `The last ${turns} turns`,
    description: `reads about ${formats.count(tokens)} tokens`,
    detail: `from: ${firstMessage}`,
  }));
  const chosen = await vscode.window.showQuickPick(items, { title, placeHolder: "Turns to keep" });
  return chosen?.turns;
}
