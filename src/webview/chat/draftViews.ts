/** What stands around the message that is being written: its tokens, what it would replace, the selection, the model. */
import { type Formats, plural } from "../../common/format";
import { modelLabel, modelParts } from "../../common/modelLabel";
import type { ChatCommand, ChatSnapshot } from "../../protocol/chat";
import type { DraftSize } from "../../protocol/service";
import { type Children, h, icon, type TreeNode } from "../shared/tree";
import { nearlyFull } from "./derived";

type Run = (command: ChatCommand) => void;

/** The id of the draft's tokens: they describe the message field. */
export const draftSizeId = "draft-size";

export interface DraftFit {
  /** "312 tokens · 7,420 left", "73,720 tokens, room for 8,000" */
  readonly text: string;
  readonly level: "fits" | "near" | "tooLong";
}

export function draftFit({ draftTokens, promptTokens, contextTokens }: DraftSize, formats: Formats): DraftFit {
  const tokens = plural(draftTokens, "token", formats);
  const left = contextTokens - promptTokens;
  if (left <= 0) {
    const room = Math.max(0, contextTokens - 1 - (promptTokens - draftTokens));
    return { text: `${tokens}, room for ${formats.count(room)}`, level: "tooLong" };
  }
  const level = promptTokens >= contextTokens * nearlyFull ? "near" : "fits";
  return { text: `${tokens} · ${formats.count(left)} left`, level };
}

export function draftSizeView(fit: DraftFit | undefined): TreeNode {
  const warns = fit !== undefined && fit.level !== "fits";
  return h(
    "span.draft-size.num",
    { key: "size", class: warns ? "warned" : undefined },
    warns && icon("warning", "warn"),
    h("span", { id: draftSizeId, title: "Tokens of this message; left for it and its answer" }, fit?.text ?? ""),
    // Said when it begins to be true, not at every pause.
    h("span.sr", { "aria-live": "polite" }, fit?.level === "tooLong" ? "The message does not fit the context" : ""),
  );
}

const branchNote = "It is sent on a new branch; this one is kept.";

/** `number`: of the turn, from 1; absent where it is not in the branch that is shown. */
export function editingBar(number: number | undefined, formats: Formats, cancel: () => void): TreeNode {
  const turn = number === undefined ? "an earlier message" : `turn ${formats.count(number)}`;
  return h(
    "div.editing.small",
    { key: "editing", role: "note", title: branchNote },
    icon("edit"),
    h("span.grow", {}, `Editing ${turn}. `, h("span.dim.hide-s", {}, branchNote)),
    h("button.link", { on: { click: cancel } }, "Cancel"),
    h("span.kbd", {}, "Esc"),
  );
}

/** Adds the editor's selection to the message. */
export function attachButton({ selection, attachments }: ChatSnapshot, blocked: boolean, run: Run): Children {
  if (selection === undefined) return undefined;
  const command: ChatCommand =
    attachments === undefined ? { type: "act", action: "startFromSelection" } : { type: "attach", what: "selection" };
  return h(
    "button.quiet.attach",
    {
      key: "attach",
      disabled: blocked,
      title: `Attach ${selection.title} to the Message`,
      on: { click: () => run(command) },
    },
    icon("list-selection"),
    h("span.cut", {}, `Attach ${selection.label}`),
  );
}

/** Where the agent can act: which tools it has. */
export function toolsButton({ acting, agent, readOnly }: ChatSnapshot, run: Run): TreeNode | undefined {
  if (acting === undefined) return undefined;
  const count = agent.tools?.length ?? 0;
  const now = count === 0 ? "none" : String(count);
  return h(
    "button.icon-btn",
    {
      key: "tools",
      "aria-label": `Tools of this agent: ${now}. Change…`,
      title: `Tools of This Agent: ${now}. Change…`,
      disabled: readOnly !== undefined,
      on: { click: () => run({ type: "tools" }) },
    },
    icon("tools"),
  );
}

export function modelButton({ agent }: ChatSnapshot, run: Run): TreeNode {
  const label = modelLabel(agent);
  return h(
    "button.quiet.model-pick",
    {
      key: "model",
      "aria-label": `Model of this agent: ${label}. Choose Model…`,
      title: `This agent keeps ${label}. Choose Model… sets the model of new agents.`,
      on: { click: () => run({ type: "act", action: "chooseModel" }) },
    },
    h("span.cut", {}, modelParts(agent).name),
    icon("chevron-down"),
  );
}
