import { type Formats, plural } from "../../common/format";
import type { ChatCommand, ChatSnapshot } from "../../protocol/chat";
import { countTurns, isStep, placeOf } from "../../protocol/turnSteps";
import { attachmentName } from "../shared/attachments";
import { questionOf, waitingCalls } from "./approval";
import { runningTurn } from "./derived";

/** Says where the head was moved to. Empty when the turns are the same, or when an answer runs, which is announced itself. */
export function branchAnnouncement(before: ChatSnapshot, after: ChatSnapshot, formats: Formats): string {
  if (runningTurn(after)) return "";
  const { turns } = after;
  const isPast = turns.every(({ id }, index) => before.turns[index]?.id === id);
  const count = countTurns(turns);
  if (!isPast) return `Switched to another branch, ${plural(count, "turn", formats)}`;
  if (turns.length === before.turns.length) return "";
  if (turns.length === 0) return "Rewound to the start";
  const next = before.turns[turns.length];
  const step = placeOf(turns, turns.at(-1)?.id ?? "")?.step ?? 1;
  const place = next !== undefined && isStep(next) ? `step ${formats.count(step)} of ` : "";
  return `Rewound to ${place}turn ${formats.count(count)}`;
}

/** Says what newly waits for the person, and why the agent stopped by itself. Empty when nothing does. */
export function actingAnnouncement(before: ChatSnapshot, after: ChatSnapshot): string {
  return [...asked(before, after), ...stopped(before, after), ...comparable(before, after)].join(". ");
}

function asked(before: ChatSnapshot, after: ChatSnapshot): readonly string[] {
  if (before.acting === after.acting) return [];
  const known = new Set(waitingCalls(before.acting?.calls).map(({ call }) => call));
  const news = waitingCalls(after.acting?.calls).filter(({ call }) => !known.has(call));
  return news.map((call) => `${after.agent.name} asks: ${questionOf(call)}`);
}

function stopped(before: ChatSnapshot, after: ChatSnapshot): readonly string[] {
  const why = after.acting?.stopped;
  return why === undefined || why === before.acting?.stopped ? [] : [why];
}

function comparable(before: ChatSnapshot, { ways }: ChatSnapshot): readonly string[] {
  if (ways?.isOpen !== true || before.ways?.isOpen === true) return [];
  return [`${ways.ways.length} answers can be compared, and one of them chosen`];
}

/** Says what was attached to the message. Empty when nothing was. */
export function attachedAnnouncement(before: ChatSnapshot, after: ChatSnapshot): string {
  const { attachments: old = [] } = before;
  const { attachments: now = [] } = after;
  if (old === now || now.length <= old.length) return "";
  const told = now.slice(old.length).map((chip) => [attachmentName(chip), chip.problem].filter(Boolean).join(": "));
  return `Attached ${told.join(", ")}`;
}

/** Says whose panel opened: after a fork it is another agent's. */
export function openedAnnouncement({ agent, turns }: ChatSnapshot, formats: Formats): string {
  return `${agent.name}, ${plural(countTurns(turns), "turn", formats)}`;
}

/** Says that the host has done a command; empty where the page shows it in another way. */
export function doneAnnouncement(command: ChatCommand): string {
  return command.type === "copy" ? "Copied" : "";
}
