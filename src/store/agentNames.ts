/** Names are unique in a home: what gives an agent its name holds this lock from the look until the commit. */
import path from "node:path";
import { type ErrorInfo, InvalidRequestError, ResidentError } from "../common/errors";
import { freeName } from "../common/names";
import type { AgentRecord } from "./agentRecord";
import { storeError } from "./files";
import type { Manifest } from "./manifest";
import type { FileLocks } from "./ports";

/** An agent whose manifest is damaged, or could not be looked at. */
export interface UnreadableAgent {
  readonly id: string;
  readonly error: ErrorInfo;
  /** Who it is, where its log says it; where the manifest could not be looked at, as it was read last. */
  readonly agent?: AgentRecord;
  /** It may have any name. */
  readonly isNameUnknown: boolean;
}

/** All agents of a home. */
export interface AgentList {
  /** In order of creation. */
  readonly manifests: readonly Manifest[];
  readonly unreadable: readonly UnreadableAgent[];
}

export interface NameRules {
  /** The agent that is renamed. */
  readonly except?: string;
  /** The name may be that of an agent which cannot be read. */
  readonly besideUnreadable: boolean;
}

export function namesOf({ manifests, unreadable }: AgentList): readonly string[] {
  return [...manifests, ...unreadable.flatMap(({ agent }) => agent ?? [])].map(({ name }) => name);
}

/** Throws INVALID_REQUEST where the name is taken, AGENT_CORRUPT or IO_FAILURE where that cannot be known. */
export function assertFree(name: string, list: AgentList, { except, besideUnreadable }: NameRules): void {
  const unreadable = list.unreadable.filter(({ id }) => id !== except);
  if (list.manifests.some((manifest) => manifest.name === name && manifest.id !== except)) {
    const free = freeName(name, namesOf(list));
    throw new InvalidRequestError(`there is an agent '${name}' already`, `choose another name, '${free}' is free`, {
      name,
      free,
    });
  }
  const same = unreadable.find(({ agent }) => agent?.name === name);
  if (same !== undefined) throw ResidentError.fromInfo(same.error);
  const unknown = unreadable.find(({ isNameUnknown }) => isNameUnknown);
  if (unknown !== undefined && !besideUnreadable) throw maybeNamed(name, unknown);
}

/** `name` is nobody's who can be read, and may be the unreadable agent's. */
export function maybeNamed(name: string, { id, error }: UnreadableAgent): ResidentError {
  const { code, what, facts } = error;
  return new ResidentError(
    code === "AGENT_CORRUPT" ? "AGENT_CORRUPT" : "IO_FAILURE",
    `it cannot be known whether there is an agent '${name}': ${what}`,
    code === "AGENT_CORRUPT"
      ? `repair or delete agent ${id}, or say that a new agent is wanted (--new)`
      : "try again, or say that a new agent is wanted (--new)",
    { ...facts, agent: id, unknownName: true },
  );
}

const namesLockFile = ".names.lock";
const longestWaitMs = 20_000;
const firstRetryMs = 2;
const lastRetryMs = 50;

/**
 * Runs `work` while nobody else gives or takes a name in this home. `root` is there. Throws AGENT_LOCKED where others
 * hold the lock for longer than `waitMs`.
 */
export async function withNamesLock<T>(
  root: string,
  locks: FileLocks,
  work: () => Promise<T>,
  waitMs = longestWaitMs,
): Promise<T> {
  const file = path.join(root, namesLockFile);
  const endMs = performance.now() + waitMs;
  for (let retryMs = firstRetryMs; ; retryMs = Math.min(retryMs * 2, lastRetryMs)) {
    const lock = tryLock(file, locks);
    if (lock !== undefined) {
      try {
        return await work();
      } finally {
        lock.release();
      }
    }
    if (performance.now() >= endMs) break;
    // Of many that wait, those who came in step do not stay in step.
    await new Promise((resolve) => setTimeout(resolve, retryMs * (0.5 + Math.random())));
  }
  throw new ResidentError(
    "AGENT_LOCKED",
    "another window or program is making an agent and does not end",
    "close it and try again",
    { path: file },
  );
}

function tryLock(file: string, locks: FileLocks) {
  try {
    return locks.tryLock(file);
  } catch (error) {
    throw storeError(error, file);
  }
}
