/** A failure: what happened and its numbers, what was kept, what can be done. */
import type { Formats } from "../../common/format";
import type { Action, ActionId, Problem } from "../../protocol/page";
import { barPart } from "./bars";
import { plural } from "./progress";
import { type Children, h, icon, type TreeNode } from "./tree";

export type RunAction = (action: ActionId) => void;

/** "the pool is small" → "The pool is small." */
export function sentence(text: string): string {
  const start = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(start) ? start : `${start}.`;
}

/** The first button is the primary one. */
export function actionButtons(actions: readonly Action[], run: RunAction, small = false): Children {
  return actions.map(({ id, label }, index) =>
    h(
      `button.btn${index === 0 ? "" : ".second"}${small ? ".small" : ""}`,
      { key: id, on: { click: () => run(id) } },
      label,
    ),
  );
}

export function actionLinks(actions: readonly Action[], run: RunAction, first?: Children): Children {
  if (actions.length === 0 && !first) return undefined;
  return h(
    "div.acts",
    {},
    first,
    actions.map(({ id, label }) => h("button.link", { key: id, on: { click: () => run(id) } }, label)),
  );
}

/** An error in its place: announced as an alert. With `dismiss` it can be put away; `more` are further buttons. */
export function problemView(
  problem: Problem,
  formats: Formats,
  run: RunAction,
  dismiss?: () => void,
  more?: Children,
): TreeNode {
  const { error, kept, actions } = problem;
  return h(
    "div.notice",
    { key: "problem", role: "alert" },
    icon("error", "err"),
    h(
      "div.grow.num",
      {},
      h("b", {}, sentence(error.what)),
      poolFacts(problem, formats),
      h("p", {}, [kept, actions.length === 0 ? sentence(error.advice) : undefined].filter(Boolean).join(" ")),
      (actions.length > 0 || more !== undefined) && h("div.row.buttons", {}, actionButtons(actions, run), more),
    ),
    dismiss &&
      h(
        "button.icon-btn",
        { key: "dismiss", "aria-label": "Dismiss", title: "Dismiss", on: { click: dismiss } },
        icon("close"),
      ),
  );
}

/** A warning line with links; `first` stands before those of `actions`. */
export function warningView(
  key: string,
  text: string,
  actions: readonly Action[],
  run: RunAction,
  first?: Children,
): TreeNode {
  return h(
    "div.notice",
    { key, role: "note" },
    icon("warning", "warn"),
    h("div.grow.num.says", {}, h("span", {}, text), actionLinks(actions, run, first)),
  );
}

/** The pool's size and what was asked of it, with the bar that shows the part that does not fit. */
function poolFacts({ error }: Problem, formats: Formats): Children {
  const { needed, total, blockTokens } = error.facts;
  if (error.code !== "POOL_EXHAUSTED" || typeof needed !== "number" || typeof total !== "number") return undefined;
  const tokens = (blocks: number) =>
    typeof blockTokens === "number" ? h("dd", {}, `${formats.count(blocks * blockTokens)} tokens`) : undefined;
  const row = (title: string, blocks: number): Children => [
    h("dt", {}, title),
    h("dd", {}, plural(blocks, "block", formats)),
    tokens(blocks),
  ];
  const fits = needed > 0 ? total / needed : 1;
  return [
    h("dl.facts", {}, row("Needed", needed), row("Pool", total)),
    h(
      "div.need",
      {
        role: "img",
        "aria-label": `${plural(needed, "block", formats)} needed, ${formats.count(total)} in the pool`,
        style: { "--at": `${Math.round(fits * 1000) / 10}%` },
      },
      h(
        "div.bar",
        {},
        barPart(fits, { class: "kept" }),
        barPart(1 - fits, { fill: "var(--vscode-notificationsErrorIcon-foreground, var(--vscode-charts-red))" }),
      ),
      h("s"),
    ),
  ];
}
