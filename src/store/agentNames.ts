/** Names are unique in a home: code that names an agent holds the names lock from the check until the commit. */
import path from "node:path";
import { type ErrorInfo, InvalidRequestError, ResidentError } from "../common/errors";
import { freeName } from "../common/names";
import type { AgentRecord } from "./agentRecord";
import { storeError } from "./files";
import type { Manifest } from "./manifest";
import type { FileLocks } from "./ports";

/** An agent whose manifest is damaged or could not be read. */
export interface UnreadableAgent {
  readonly id: string;
  readonly error: ErrorInfo;
  /** The agent's record from its log; when the manifest could not be read for another reason, the one read last. */
  readonly agent?: AgentRecord;
  /** The agent may have any name. */
  readonly isNameUnknown: boolean;
}

/** All agents of a home. */
export interface AgentList {
  /** In order of creation. */
  readonly manifests: readonly Manifest[];
  readonly unreadable: readonly UnreadableAgent[];
}

export interface NameRules {
  /** Id of the agent that is renamed. */
  readonly except?: string;
  /** Allows the name although an unreadable agent may have it. */
  readonly allowUnreadable: boolean;
}

export function namesOf({ manifests, unreadable }: AgentList): readonly string[] {
  return [...manifests, ...unreadable.flatMap(({ agent }) => agent ?? [])].map(({ name }) => name);
}

/** Throws INVALID_REQUEST when the name is taken, and AGENT_CORRUPT or IO_FAILURE when that cannot be known. */
export function assertFree(name: string, list: AgentList, { except, allowUnreadable }: NameRules): void {
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
  if (unknown !== undefined && !allowUnreadable) throw maybeNamed(name, unknown);
}

/** No readable agent has `name`, but the unreadable agent may have it. */
export function maybeNamed(name: string, { id, error }: UnreadableAgent): ResidentError {
  const { code, what, facts } = error;
  return new ResidentError(
    code === "AGENT_CORRUPT" ? "AGENT_CORRUPT" : "IO_FAILURE",
    `it is unknown whether there is an agent '${name}': ${what}`,
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
 * Runs `work` while no other process can change names in this home. `root` must exist. Throws AGENT_LOCKED when another
 * process holds the lock for longer than `waitMs`.
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
    // A random wait, so that processes that started to wait together do not retry together.
    await new Promise((resolve) => setTimeout(resolve, retryMs * (0.5 + Math.random())));
  }
  throw new ResidentError(
    "AGENT_LOCKED",
    "another window or program is creating an agent and does not finish",
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
