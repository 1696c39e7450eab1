import type { Addressees, RoomMember } from "../../protocol/room";
import type { AgentId, AgentSummary } from "../../protocol/service";
import { readOnlyProblem } from "../pages/pageModel";

/** A member of the room and whether messages to all are for it. Kept with the workspace, in the order of joining. */
export interface MemberRecord {
  readonly agent: AgentId;
  readonly asked: boolean;
}

export function readMembers(stored: unknown): readonly MemberRecord[] {
  if (!Array.isArray(stored)) return [];
  return stored.filter(
    (item): item is MemberRecord =>
      typeof item === "object" && item !== null && typeof item.agent === "string" && typeof item.asked === "boolean",
  );
}

/** Members whose agents are there; one that another window holds, or that is damaged, says why it cannot be asked. */
export function roomMembers(records: readonly MemberRecord[], agents: readonly AgentSummary[]): readonly RoomMember[] {
  const byId = new Map(agents.map((agent) => [agent.id, agent]));
  return records.flatMap(({ agent: id, asked }) => {
    const agent = byId.get(id);
    if (!agent) return [];
    const unavailable = readOnlyProblem(agent);
    return [{ agent, asked, ...(unavailable && { unavailable }) }];
  });
}

/** All that a message is for, those that cannot be asked included. */
export function addressed(members: readonly RoomMember[], to: Addressees): readonly RoomMember[] {
  return members.filter(({ agent, asked }) => (to === "all" ? asked : to.includes(agent.id)));
}

/** Those of one model together, the loaded model's first, the others by their first member: as they are answered. */
export function byModel(members: readonly RoomMember[], loaded: string | undefined): readonly RoomMember[] {
  const models = new Set(members.map(({ agent }) => enginePlace(agent)));
  const others = [...models].filter((place) => place !== loaded);
  const ordered = loaded !== undefined && models.has(loaded) ? [loaded, ...others] : others;
  return ordered.flatMap((place) => members.filter(({ agent }) => enginePlace(agent) === place));
}

/** What answers the agent: a server's address, or its model's folder. */
export function enginePlace({ server, modelDirectory }: AgentSummary): string {
  return server?.address ?? modelDirectory;
}

export function withMembers(records: readonly MemberRecord[], chosen: readonly AgentId[]): readonly MemberRecord[] {
  const staying = records.filter(({ agent }) => chosen.includes(agent));
  const known = new Set(staying.map(({ agent }) => agent));
  return [...staying, ...chosen.filter((id) => !known.has(id)).map((agent) => ({ agent, asked: true }))];
}

export function withAsked(records: readonly MemberRecord[], id: AgentId, asked: boolean): readonly MemberRecord[] {
  return records.map((record) => (record.agent === id ? { ...record, asked } : record));
}

/** The first members whose histories together are no more than `tokens`: more would drive each other out of memory. */
export function fitting(members: readonly RoomMember[], tokens: number): readonly RoomMember[] {
  let left = tokens;
  return members.filter(({ agent }) => {
    left -= agent.tokens;
    return left >= 0;
  });
}
