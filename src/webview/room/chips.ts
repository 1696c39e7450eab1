import type { Formats } from "../../common/format";
import type { RoomCommand, RoomMember } from "../../protocol/room";
import { agentColour } from "../shared/agentColour";
import { tierDot } from "../shared/figures";
import { plural } from "../shared/progress";
import { h, icon, type TreeNode } from "../shared/tree";

/** The agents in the room; a pressed one is asked when a message goes to all. */
export function chipsView(
  members: readonly RoomMember[],
  formats: Formats,
  run: (command: RoomCommand) => void,
): TreeNode {
  return h(
    "div.who",
    { role: "group", "aria-label": "Agents in the room" },
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

function chip({ agent, asked }: RoomMember, formats: Formats, run: (command: RoomCommand) => void): TreeNode {
  const locked = agent.lockedElsewhere;
  const pressed = asked && !locked;
  return h(
    "button.chip",
    {
      key: agent.id,
      "aria-pressed": String(pressed),
      "aria-disabled": locked ? "true" : undefined,
      style: agentColour(agent.index),
      title: `${agent.name}: ${chipState({ agent, asked }, formats)}`,
      on: { click: () => !locked && run({ type: "include", agent: agent.id, asked: !asked }) },
    },
    tierDot(agent.tier, { busy: agent.state !== "idle" }),
    h("span.cut", {}, agent.name),
    locked && icon("lock"),
  );
}

function chipState({ agent, asked }: RoomMember, formats: Formats): string {
  if (agent.lockedElsewhere) return "in use in another window";
  const state = agent.state === "idle" ? plural(agent.tokens, "token", formats) : agent.state;
  return asked ? `${agent.tier}, ${state}` : `${agent.tier}, ${state}, not asked`;
}
