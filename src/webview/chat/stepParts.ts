/** What stands around the answer of a step: the warning about its cache, and what can be done with it. */
import { type Formats, plural } from "../../common/format";
import type { ActingState } from "../../protocol/acting";
import type { ChatCommand } from "../../protocol/chat";
import type { ActionId, ChangedFile, PageTurn } from "../../protocol/page";
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

interface ToolsPlace {
  readonly isHead: boolean;
  readonly fixed: boolean;
  /** Present: the agent can act, and its answers can be compared. */
  readonly acting?: ActingState | undefined;
}

/** How many answers are compared. */
const ways = 3;

/** `message`: the node whose message the turn answers; absent for a step in its middle. */
export function stepTools(
  turn: PageTurn,
  { isHead, fixed, acting }: ToolsPlace,
  run: StepContext["run"],
  { label, message }: { readonly label: string; readonly message?: TurnId },
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
    isHead &&
      acting !== undefined &&
      message !== undefined &&
      tool("Answer three ways", "Answer Three Ways, and Choose One", "split-horizontal", !fixed, {
        type: "ways",
        turn: message,
        count: ways,
      }),
    turn.answer !== "" && tool("Copy answer", "Copy", "copy", true, { type: "copy", text: turn.answer }),
  );
}

/** The files that the calls of a turn changed, and the way to put them back. */
export function changesLine(
  steps: readonly PageTurn[],
  message: TurnId,
  fixed: boolean,
  { formats, run }: Pick<StepContext, "formats" | "run">,
): TreeNode | undefined {
  const files = changesOf(steps);
  if (files.length === 0) return undefined;
  const sum = (of: (file: ChangedFile) => number) => formats.count(files.reduce((total, file) => total + of(file), 0));
  const lines = `+${sum(({ added }) => added)} −${sum(({ removed }) => removed)}`;
  return h(
    "div.changed.small.num",
    { key: "changed", role: "group", "aria-label": "Changed files" },
    icon("diff-multiple"),
    h(
      "span.grow",
      { title: files.map(({ path, added, removed }) => `${path} +${added} −${removed}`).join("\n") },
      `${plural(files.length, "file", formats)} changed `,
      h("span.dim", {}, lines),
    ),
    h(
      "button.link",
      {
        disabled: fixed,
        title: "Puts the files back as they were before this turn; what was edited since is kept",
        on: { click: () => run({ type: "restoreFiles", turn: message }) },
      },
      "Put Files Back…",
    ),
  );
}

/** A file that several steps changed is one. */
function changesOf(steps: readonly PageTurn[]): readonly ChangedFile[] {
  const files = new Map<string, ChangedFile>();
  for (const { changes = [] } of steps) {
    for (const { path, added, removed } of changes) {
      const before = files.get(path) ?? { added: 0, removed: 0 };
      files.set(path, { path, added: before.added + added, removed: before.removed + removed });
    }
  }
  return [...files.values()];
}
