/** Who an agent is, as its turn log says it: what is lost of a manifest that cannot be read is found again there. */
import { type JsonObject, readCount, readNumber, readString } from "./json";
import type { Manifest } from "./manifest";

export type AgentRecord = Pick<
  Manifest,
  "id" | "name" | "index" | "createdAt" | "modelDirectory" | "modelName" | "contextTokens" | "system" | "pinned"
>;

/** Of a manifest, which has more: only the record's own fields. */
export function agentRecordOf(agent: AgentRecord): AgentRecord {
  const { id, name, index, createdAt, modelDirectory, modelName, contextTokens, system, pinned } = agent;
  const record = { id, name, index, createdAt, modelDirectory, modelName, contextTokens, system };
  return pinned === true ? { ...record, pinned } : record;
}

/** Throws `MalformedJson`. */
export function decodeAgentRecord(object: JsonObject): AgentRecord {
  return {
    id: readString(object, "id"),
    name: readString(object, "name"),
    index: readCount(object, "index"),
    createdAt: readNumber(object, "createdAt"),
    modelDirectory: readString(object, "modelDirectory"),
    modelName: readString(object, "modelName"),
    contextTokens: readCount(object, "contextTokens"),
    system: readString(object, "system"),
    ...(object["pinned"] === true ? { pinned: true } : {}),
  };
}

export function isSameAgent(a: AgentRecord, b: AgentRecord): boolean {
  return (
    a.id === b.id &&
    a.name === b.name &&
    a.index === b.index &&
    a.createdAt === b.createdAt &&
    a.modelDirectory === b.modelDirectory &&
    a.modelName === b.modelName &&
    a.contextTokens === b.contextTokens &&
    a.system === b.system &&
    a.pinned === b.pinned
  );
}
