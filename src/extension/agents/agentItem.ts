/** How an agent looks in lists: the colour shows which agent it is, the fill its tier, words the rest. */
import type { Formats } from "../../common/format";
import { modelLabel } from "../../common/modelLabel";
import { shownName } from "../../common/shownName";
import { agentWords } from "../../protocol/agentWords";
import type { AgentSummary, Tier } from "../../protocol/service";
import { sentence } from "../commands/errorText";
import { memberItem, themeColours, treeItems } from "../contributions";

/** In order of creation, then again. */
const colours = [
  "charts.blue",
  "charts.green",
  themeColours.agentOrange,
  "charts.purple",
  themeColours.agentYellow,
  "charts.red",
] as const;

/** Codicons of a full, a half and an empty circle. */
const tierIcons: Readonly<Record<Tier, string>> = {
  hot: "circle-large-filled",
  warm: "color-mode",
  cold: "circle-large-outline",
};

const stateWords: Readonly<Record<AgentSummary["state"], string | undefined>> = {
  idle: undefined,
  waiting: "waiting",
  reading: "reading",
  answering: "answering",
  restoring: "restoring",
};

export interface AgentItem {
  readonly label: string;
  readonly description: string;
  /** Markdown. */
  readonly tooltip: string;
  readonly icon: string;
  readonly colour: string;
  readonly contextValue: string;
  /** Said by screen readers, since the icon is not. */
  readonly spoken: string;
}

export interface AgentMarks {
  /** It is in the room. */
  readonly isMember?: boolean;
  /** It waits for the person. */
  readonly asks?: boolean;
}

export function agentItem(agent: AgentSummary, formats: Formats, { isMember, asks }: AgentMarks = {}): AgentItem {
  const facts = agentDescription(agent, formats, asks);
  const description = agent.delegateOf === undefined ? facts : `delegate · ${facts}`;
  return {
    label: shownName(agent.name),
    description,
    tooltip: agentTooltip(agent, formats),
    icon: asks
      ? "bell-dot"
      : agent.damage !== undefined
        ? "warning"
        : agent.lockedElsewhere
          ? "lock"
          : agent.server !== undefined
            ? "server"
            : tierIcons[agent.tier],
    colour: colours[agent.index % colours.length] ?? colours[0],
    contextValue: `${contextValue(agent)}${isMember ? memberItem : ""}`,
    spoken: `${agent.name}, ${description}`,
  };
}

function contextValue(agent: AgentSummary): string {
  if (agent.damage !== undefined) return treeItems.damagedAgent;
  if (agent.lockedElsewhere) return treeItems.lockedAgent;
  if (agent.state !== "idle") return treeItems.runningAgent;
  return agent.pinned ? treeItems.pinnedAgent : treeItems.agent;
}

/** "3,425 tokens · hot · answering", "4 turns · on studio.local:8000"; `asks`: it waits for the person. */
export function agentDescription(agent: AgentSummary, formats: Formats, asks = false): string {
  if (agent.damage !== undefined) return "damaged";
  const { size, place } = agentWords(agent, formats);
  const parts = [size, place];
  const state = asks ? "waits for you" : (stateWords[agent.state] ?? waiting(agent, formats));
  if (state) parts.push(state);
  if (agent.pinned) parts.push("pinned");
  if (agent.lockedElsewhere) parts.push("open in another window");
  return parts.join(" · ");
}

/** It is idle until the results of its calls come. */
function waiting({ waitsFor }: AgentSummary, formats: Formats): string | undefined {
  if (waitsFor === undefined) return undefined;
  return waitsFor === 1 ? "waits for a result" : `waits for ${formats.count(waitsFor)} results`;
}

function agentTooltip(agent: AgentSummary, formats: Formats): string {
  if (agent.damage !== undefined) {
    const { what, advice } = agent.damage;
    return [agent.name, sentence(what), sentence(advice)].map(escapeMarkdown).join("\n\n");
  }
  return [
    `**${escapeMarkdown(agent.name)}**`,
    `Model: ${escapeMarkdown(modelLabel(agent))}`,
    ...(agent.server === undefined ? tokensHere(agent, formats) : contextThere(agent, formats)),
    `Turns: ${formats.count(agent.turnCount)}`,
  ].join("\n\n");
}

function tokensHere({ tokens, contextTokens, ...agent }: AgentSummary, formats: Formats): readonly string[] {
  const full = contextTokens > 0 ? ` (${formats.percent(tokens / contextTokens)})` : "";
  const of = contextTokens > 0 ? ` of ${formats.count(contextTokens)}` : "";
  return [
    `Context: ${formats.count(tokens)}${of} tokens${full}`,
    `In memory: ${formats.count(agent.hotTokens)} tokens`,
    `On disk: ${formats.count(agent.diskTokens)} tokens, ${formats.bytes(agent.diskBytes)}`,
  ];
}

/** The server counts, where it tells how much it can hold. */
function contextThere({ contextTokens }: AgentSummary, formats: Formats): readonly string[] {
  return contextTokens > 0 ? [`Context: room for ${formats.count(contextTokens)} tokens`] : [];
}

function escapeMarkdown(text: string): string {
  return text.replace(/[\\`*_{}[\]()#+\-.!<>|~]/g, "\\$&");
}
