import { type Formats, plural } from "../../common/format";
import type { ChatCommand, ChatSnapshot } from "../../protocol/chat";
import { runningTurn } from "./derived";

/** The sentence about a head that was moved; empty when the turns are the same, or an answer runs and says so itself. */
export function branchAnnouncement(before: ChatSnapshot, after: ChatSnapshot, formats: Formats): string {
  if (runningTurn(after)) return "";
  const { turns } = after;
  const isPast = turns.every(({ id }, index) => before.turns[index]?.id === id);
  if (!isPast) return `Switched to another branch, ${plural(turns.length, "turn", formats)}`;
  if (turns.length === before.turns.length) return "";
  return turns.length === 0 ? "Rewound to the start" : `Rewound to turn ${formats.count(turns.length)}`;
}

/** A panel that opens: after a fork, for one, it is another agent's. */
export function openedAnnouncement({ agent, turns }: ChatSnapshot, formats: Formats): string {
  return `${agent.name}, ${plural(turns.length, "turn", formats)}`;
}

/** What is said when the host has done what was asked for; empty where the page shows it otherwise. */
export function doneAnnouncement(command: ChatCommand): string {
  return command.type === "copy" ? "Copied" : "";
}
