import { type Formats, plural } from "../../common/format";
import type { ChatCommand, ChatSnapshot } from "../../protocol/chat";
import { runningTurn } from "./derived";

/** Says where the head was moved to. Empty when the turns are the same, or when an answer runs, which is announced itself. */
export function branchAnnouncement(before: ChatSnapshot, after: ChatSnapshot, formats: Formats): string {
  if (runningTurn(after)) return "";
  const { turns } = after;
  const isPast = turns.every(({ id }, index) => before.turns[index]?.id === id);
  if (!isPast) return `Switched to another branch, ${plural(turns.length, "turn", formats)}`;
  if (turns.length === before.turns.length) return "";
  return turns.length === 0 ? "Rewound to the start" : `Rewound to turn ${formats.count(turns.length)}`;
}

/** Says whose panel opened: after a fork it is another agent's. */
export function openedAnnouncement({ agent, turns }: ChatSnapshot, formats: Formats): string {
  return `${agent.name}, ${plural(turns.length, "turn", formats)}`;
}

/** Says that the host has done a command; empty where the page shows it in another way. */
export function doneAnnouncement(command: ChatCommand): string {
  return command.type === "copy" ? "Copied" : "";
}
