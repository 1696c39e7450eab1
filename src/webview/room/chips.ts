import type { Formats } from "../../common/format";
import { shownName } from "../../common/shownName";
import { agentWords } from "../../protocol/agentWords";
import type { Problem } from "../../protocol/page";
import type { RoomCommand, RoomMember } from "../../protocol/room";
import { agentColour } from "../shared/agentColour";
import { agentMark } from "../shared/figures";
import { h, icon, type TreeNode } from "../shared/tree";

/** The agents in the room; messages to all are for those that are pressed. */
export function chipsView(
  members: readonly RoomMember[],
  formats: Formats,
  run: (command: RoomCommand) => void,
): TreeNode {
  return h(
    "div.who",
    { role: "toolbar", "aria-label": "Agents in the room" },
    members.map((member) => chip(member, formats, run)),
    h(
      "button.icon-btn",
      {
        key: "add",
        "aria-label": "Choose the agents in the room",
        title: "Choose Agents…",
        on: { click: () => run({ type: "chooseMembers" }) },
      },
      icon("add"),
    ),
  );
}

function chip(member: RoomMember, formats: Formats, run: (command: RoomCommand) => void): TreeNode {
  const { agent, asked, unavailable } = member;
  return h(
    "button.chip",
    {
      key: agent.id,
      class: unavailable ? "unavailable" : undefined,
      "aria-pressed": String(asked),
      style: agentColour(agent.index),
      title: `${shownName(agent.name)}: ${chipState(member, formats)}`,
      on: { click: () => run({ type: "include", agent: agent.id, asked: !asked }) },
    },
    agentMark(agent, { busy: agent.state !== "idle" }),
    h("span.cut", {}, shownName(agent.name)),
    unavailable && icon(unavailableIcon(unavailable)),
  );
}

export function unavailableIcon({ error }: Problem): string {
  return error.code === "AGENT_LOCKED" ? "lock" : "warning";
}

/** Why a member cannot be asked, as a part of a sentence. */
export function unavailableReason({ error }: Problem): string {
  return error.code === "AGENT_LOCKED" ? "in use in another window" : error.what;
}

function chipState({ agent, asked, unavailable }: RoomMember, formats: Formats): string {
  if (unavailable) {
    const shown = asked ? "messages to all show it as not asked" : "left out of messages to all";
    return `${unavailableReason(unavailable)}, ${shown}`;
  }
  const { size, place } = agentWords(agent, formats);
  const state = agent.state === "idle" ? size : agent.state;
  return asked ? `${place}, ${state}` : `${place}, ${state}, not asked`;
}
