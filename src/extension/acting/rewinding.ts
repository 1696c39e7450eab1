import type { AgentId, AgentSummary, ResidentService, TurnId, TurnView } from "../../protocol/service";

type RewindDoor = Pick<ResidentService, "getAgent" | "rewindAgent">;

export interface RewindPorts {
  /** What the agent's calls do ends first: what was done is in the conversation then. */
  readonly settle: (agent: AgentId) => Promise<void>;
  /** Whether anything was ever written for it: else nothing is looked up. */
  readonly hasWritten: (agent: AgentId) => Promise<boolean>;
  /** The conversation goes on without these turns: their files may be put back. */
  readonly offer: (agent: AgentId, left: readonly TurnId[]) => void;
}

/** Moves the head, and offers to put back the files that the agent changed in the turns that are left. */
export async function rewindTo(
  door: RewindDoor,
  agent: AgentId,
  turn: TurnId | undefined,
  { settle, hasWritten, offer }: RewindPorts,
): Promise<AgentSummary> {
  await settle(agent);
  if (!(await hasWritten(agent))) return door.rewindAgent(agent, turn);
  const { turns } = await door.getAgent(agent);
  const rewound = await door.rewindAgent(agent, turn);
  const now = turn === undefined ? [] : (await door.getAgent(agent)).turns;
  const left = turnsLeft(turns, now);
  if (left.length > 0) offer(agent, left);
  return rewound;
}

/** Those of `before` that are not among `now`. */
function turnsLeft(before: readonly TurnView[], now: readonly TurnView[]): readonly TurnId[] {
  const kept = new Set(now.map(({ id }) => id));
  return before.map(({ id }) => id).filter((id) => !kept.has(id));
}
