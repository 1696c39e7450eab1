import type { Formats } from "../../common/format";
import type { PageEngine } from "../../protocol/page";
import { progressBar } from "./bars";
import { actionButtons, actionLinks, type RunAction, sentence } from "./problem";
import { h, icon, type TreeNode } from "./tree";

export interface EngineNoticeContext {
  readonly formats: Formats;
  readonly run: RunAction;
  /** Of the load in progress; `undefined` until it is known. */
  readonly remainingMs: number | undefined;
}

/** Why the engine cannot answer yet, and what to do; nothing when it can, or can at its first need. */
export function engineNotice({ state, actions }: PageEngine, context: EngineNoticeContext): TreeNode | undefined {
  const { run } = context;
  const notice = (name: string, tint: string | undefined, text: string, role: string) =>
    h(
      "div.notice.small",
      { key: "engine", role },
      icon(name, tint),
      h("div.grow", {}, text, actions.length > 0 && h("div.row.buttons", {}, actionButtons(actions, run, true))),
    );
  switch (state.type) {
    case "idle":
    case "ready":
      return undefined;
    case "loading":
      return loadingView(state, actions, context);
    case "noModel": {
      const first = "Choose a model first, or get the starter model, which is small and runs anywhere.";
      const why = state.error ? ` ${sentence(state.error.what)}` : "";
      return notice("info", undefined, `${first} Agents and what they have read are kept.${why}`, "note");
    }
    case "addonMissing":
    case "failed":
      return notice("error", "err", `${sentence(state.error.what)} Agents on disk are kept.`, "alert");
  }
}

function loadingView(
  { model, done, total }: { readonly model: string; readonly done: number; readonly total: number },
  actions: PageEngine["actions"],
  { formats, run, remainingMs }: EngineNoticeContext,
): TreeNode {
  const bytes = formats.bytesOf(done, total);
  const left = formats.remainingInWords(remainingMs);
  return h(
    "div.stack.num",
    { key: "loading" },
    h(
      "div.row",
      {},
      h("span.grow.cut", {}, `Loading ${model}`),
      h("span.dim.small", {}, formats.remaining(remainingMs)),
    ),
    progressBar("Loading model", { kept: 0, done, total, text: left ? `${bytes}, ${left}` : bytes }),
    h("div.row.small", {}, h("span.grow.dim", {}, bytes), actionLinks(actions, run)),
  );
}

/** Why a message cannot be sent in this state, one sentence; nothing when it can. */
export function engineBlocks({ state }: PageEngine): string | undefined {
  switch (state.type) {
    case "noModel":
      return "Choose a model first.";
    case "addonMissing":
      return "The native addon is missing.";
    // The message is committed at once and answered when the model is there.
    case "loading":
    case "failed":
    case "idle":
    case "ready":
      return undefined;
  }
}
