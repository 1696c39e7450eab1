import type { Formats } from "../../common/format";
import { hostOf, modelLabel, modelParts } from "../../common/modelLabel";
import { shownName } from "../../common/shownName";
import type { ChatCommand, ChatSnapshot } from "../../protocol/chat";
import type { AgentSampling, AgentServer, AgentSummary } from "../../protocol/service";
import { tierDot, tierNames } from "../shared/figures";
import { h, icon, type TreeNode } from "../shared/tree";
import { contextMeter } from "./contextMeter";
import { isBusy, runningTurn } from "./derived";

export function headerView(snapshot: ChatSnapshot, formats: Formats, run: (command: ChatCommand) => void): TreeNode {
  const { agent, turns, readOnly } = snapshot;
  const running = runningTurn(snapshot) !== undefined;
  const canStop = isBusy(snapshot) || (snapshot.acting?.calls.length ?? 0) > 0;
  const tool = (label: string, title: string, name: string, enabled: boolean, command: ChatCommand) =>
    h(
      "button.icon-btn",
      { "aria-label": label, title, disabled: !enabled, on: { click: () => run(command) } },
      icon(name),
    );
  const has = turns.length > 0;
  return h(
    "header.head",
    { class: agent.server && "remote" },
    h(
      "div.row.who",
      {},
      h("h1.cut", {}, shownName(agent.name)),
      h(
        "div.model",
        {},
        h("span.cut", { title: modelTitle(snapshot) }, shownName(modelParts(agent).name)),
        agent.sampling && h("span.cut", { title: samplingTitle(agent.sampling) }, "own sampling"),
      ),
      agent.server === undefined ? tierChip(agent, formats) : serverChip(agent, agent.server),
    ),
    h("span.grow.hide-s"),
    contextMeter(snapshot, formats),
    h(
      "div.tools",
      { role: "toolbar", "aria-label": "Agent actions" },
      tool("Fork agent", "Fork Agent", "repo-forked", has && !running, { type: "fork" }),
      tool("Rewind", "Rewind…", "discard", has && !running && !readOnly, { type: "rewind" }),
      thinkingButton(snapshot, readOnly === undefined && !running, run),
      pinButton(agent, readOnly === undefined, run),
      tool("Stop", "Stop (Esc)", "debug-stop", canStop, { type: "stop" }),
      moreButton(snapshot),
    ),
  );
}

function modelTitle({ agent, modelFacts }: ChatSnapshot): string {
  const { host } = modelParts(agent);
  const title = host === undefined ? "Model of this agent" : `Model of this agent: ${modelLabel(agent)}`;
  if (modelFacts?.insistsOnDate !== true || agent.day === undefined) return title;
  return `${title}. Its template names a day: for this agent it is always ${agent.day}, so that its cache stays valid.`;
}

/** Only where the model's template asks. */
function thinkingButton(
  { agent, modelFacts }: ChatSnapshot,
  enabled: boolean,
  run: (command: ChatCommand) => void,
): TreeNode | undefined {
  if (modelFacts === undefined || modelFacts.thinkingChoices.length === 0) return undefined;
  const now = agent.thinking ?? "as the model does";
  return h(
    "button.icon-btn",
    {
      "aria-label": `Thinking: ${now}`,
      title: `Thinking: ${now}. Change…`,
      disabled: !enabled,
      on: { click: () => run({ type: "thinking" }) },
    },
    icon(agent.thinking === "off" ? "lightbulb-empty" : "lightbulb"),
  );
}

function pinButton({ pinned }: AgentSummary, enabled: boolean, run: (command: ChatCommand) => void): TreeNode {
  const title = pinned ? "Unpin: it leaves memory like all others" : "Pin: it leaves memory after all others";
  return h(
    "button.icon-btn",
    {
      "aria-label": "Pin in memory",
      "aria-pressed": pinned ? "true" : "false",
      title,
      disabled: !enabled,
      on: { click: () => run({ type: "pin", pinned: !pinned }) },
    },
    icon(pinned ? "pinned" : "pin"),
  );
}

/** Opens VS Code's own menu: it shows what package.json has under `webview/context` for this context. */
function moreButton({ agent, modelFacts }: ChatSnapshot): TreeNode {
  const asksForThinking = modelFacts !== undefined && modelFacts.thinkingChoices.length > 0;
  const context = {
    ...{ webviewSection: "agent", agent: agent.id, preventDefaultContextMenuItems: true },
    ...(asksForThinking ? { thinking: true } : {}),
  };
  return h(
    "button.icon-btn",
    {
      "aria-label": "More actions",
      "aria-haspopup": "menu",
      title: "More Actions…",
      "data-vscode-context": JSON.stringify(context),
      on: { click: openMenu },
    },
    icon("ellipsis"),
  );
}

/** The menu opens below the button, for the pointer and for the keyboard. */
function openMenu(event: Event): void {
  const { currentTarget } = event;
  if (!(currentTarget instanceof HTMLElement)) return;
  const { left, bottom } = currentTarget.getBoundingClientRect();
  currentTarget.dispatchEvent(new MouseEvent("contextmenu", { bubbles: true, clientX: left, clientY: bottom }));
  event.stopPropagation();
}

function samplingTitle(sampling: AgentSampling): string {
  const parts = Object.entries(sampling).map(([name, value]) => `${name} ${value}`);
  return `Sampling of this agent: ${parts.join(", ")}`;
}

/** What a tier is to a model on this machine. Where the text goes is said here, and nowhere else in the header. */
function serverChip({ state }: AgentSummary, { address }: AgentServer): TreeNode {
  const host = hostOf(address);
  const title = `The server at ${address} answers this agent: the conversation is sent to it with each message`;
  return h(
    "span.chip.host",
    { title },
    icon("server", state === "idle" ? undefined : "busy"),
    h("span.cut", {}, `on ${shownName(host)}`),
  );
}

function tierChip(agent: AgentSummary, formats: Formats): TreeNode {
  const busy = agent.state !== "idle";
  return h(
    "span.chip",
    { title: tierTitle(agent, formats) },
    tierDot(agent.tier, { busy }),
    agent.state === "restoring" ? "Restoring" : tierNames[agent.tier],
  );
}

/** Memory also holds what was read ahead of the next message, so it may have more tokens than the conversation. */
function tierTitle({ tier, tokens, hotTokens, diskTokens }: AgentSummary, { count }: Formats): string {
  const conversation = `The conversation has ${count(tokens)}`;
  switch (tier) {
    case "hot": {
      const ahead = hotTokens - tokens;
      const more = ahead > 0 ? `; ${count(ahead)} were read ahead for the next message` : "";
      return `Hot: ${count(hotTokens)} tokens are in memory. ${conversation}${more}.`;
    }
    case "warm":
      return `Warm: ${count(diskTokens)} tokens are on disk and are restored before the next turn. ${conversation}.`;
    case "cold":
      return tokens === 0
        ? "Cold: nothing has been read yet."
        : `Cold: the next turn reads all ${count(tokens)} tokens.`;
  }
}
