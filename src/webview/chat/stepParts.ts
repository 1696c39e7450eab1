/** What stands around the answer of a step: the warning about its cache, and what can be done with it. */
import type { Formats } from "../../common/format";
import type { ChatCommand } from "../../protocol/chat";
import type { ActionId, PageTurn } from "../../protocol/page";
import type { TurnId } from "../../protocol/service";
import type { Answers } from "../shared/answers";
import type { KeptTrees } from "../shared/kept";
import { sentence, warningView } from "../shared/problem";
import { type Children, h, icon, type TreeNode } from "../shared/tree";

export interface StepContext {
  readonly formats: Formats;
  readonly answers: Answers;
  /** Trees of steps, by the ids of their nodes. */
  readonly kept: KeptTrees;
  readonly run: (command: ChatCommand) => void;
  /** The actions of a node's failure that have removed its cause. */
  readonly done: (turn: TurnId) => ReadonlySet<ActionId> | undefined;
}

/** A part of the stored cache was not used: why, and what that cost. */
export function refusalWarning(turn: PageTurn, formats: Formats, run: StepContext["run"]): Children {
  const refused = turn.figures?.cache.refused;
  if (!refused) return undefined;
  const { storedTokens } = turn;
  const kept = formats.count(refused.atToken);
  const restored =
    storedTokens === undefined || storedTokens < refused.atToken
      ? `${kept} tokens restored`
      : `${kept} of ${formats.count(storedTokens)} tokens restored`;
  return warningView(
    "refused",
    `${sentence(refused.reason).slice(0, -1)}: ${restored}, the rest was read again.`,
    turn.refusalActions ?? [],
    (action) => run({ type: "act", action, turn: turn.id }),
  );
}

export function stepTools(
  turn: PageTurn,
  { isHead, fixed }: { readonly isHead: boolean; readonly fixed: boolean },
  run: StepContext["run"],
  label = "Turn actions",
): TreeNode {
  const tool = (name: string, title: string, glyph: string, enabled: boolean, command: ChatCommand) =>
    h(
      "button.icon-btn",
      { "aria-label": name, title, disabled: !enabled, on: { click: () => run(command) } },
      icon(glyph),
    );
  const ended = turn.state === "done" || turn.state === "interrupted";
  return h(
    "div.tools",
    { role: "toolbar", "aria-label": label },
    ended && tool("Fork here", "Fork Here (0 tokens)", "repo-forked", true, { type: "fork", turn: turn.id }),
    ended && tool("Rewind to here", "Rewind to Here", "discard", !fixed && !isHead, { type: "rewind", turn: turn.id }),
    tool("Regenerate", "Regenerate", "refresh", !fixed, { type: "regenerate", turn: turn.id }),
    turn.answer !== "" && tool("Copy answer", "Copy", "copy", true, { type: "copy", text: turn.answer }),
  );
}
