/** The agents that a message is for: `@name` at its start, else all that are asked. Names may hold spaces. Pure. */
import type { Addressees, RoomMember } from "../../protocol/room";
import type { AgentId } from "../../protocol/service";

export interface Addressed {
  readonly to: Addressees;
  /** The message without the name. */
  readonly text: string;
}

export interface MentionOption {
  readonly id: "all" | AgentId;
  readonly name: string;
  /** Offset in `name` where the query stands, -1 when the query is empty. */
  readonly at: number;
  /** Absent for "all". */
  readonly member?: RoomMember;
}

/** The members that will answer a message to all. */
export function answering(members: readonly RoomMember[]): readonly RoomMember[] {
  return members.filter(({ asked, unavailable }) => asked && !unavailable);
}

/** The longest name that the draft starts with counts: "@Test writer 2" is not for "Test writer". */
export function addressed(draft: string, members: readonly RoomMember[]): Addressed {
  const text = draft.trim();
  if (!text.startsWith("@")) return { to: "all", text };
  const lower = text.slice(1).toLowerCase();
  const found = [{ id: "all", name: "all" }, ...members.map(({ agent }) => agent)]
    .filter(({ name }) => lower.startsWith(name.toLowerCase()) && /^(\s|[,:]|$)/.test(lower.slice(name.length)))
    .sort((a, b) => b.name.length - a.name.length)[0];
  if (!found) return { to: "all", text };
  const rest = text.slice(1 + found.name.length).replace(/^[\s,:]+/, "");
  return { to: found.id === "all" ? "all" : [found.id], text: rest };
}

/**
 * The part of a draft that may be read ahead, and by which agents; nothing while a name is being typed. What the message
 * carries is read before its text is written.
 */
export function aheadOf(draft: string, members: readonly RoomMember[], carries = false): Addressed | undefined {
  const found = addressed(draft, members);
  return (found.text === "" && !carries) || found.text.startsWith("@") ? undefined : found;
}

/** What is being typed after an `@` at the draft's start, up to the caret; `undefined` when no name is being typed. */
export function mentionQuery(draft: string, caret: number): string | undefined {
  const typed = draft.slice(0, caret);
  return /^@[^\n]{0,80}$/.test(typed) ? typed.slice(1) : undefined;
}

export function mentionOptions(query: string, members: readonly RoomMember[]): readonly MentionOption[] {
  const sought = query.toLowerCase();
  const all: MentionOption = { id: "all", name: "all", at: -1 };
  const agents = members.map((member) => ({ id: member.agent.id, name: member.agent.name, at: -1, member }));
  return [all, ...agents].flatMap((option) => {
    const at = sought === "" ? -1 : option.name.toLowerCase().indexOf(sought);
    return sought === "" || at >= 0 ? [{ ...option, at }] : [];
  });
}
