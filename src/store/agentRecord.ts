/** An agent's name and settings as its turn log repeats them: used when the manifest cannot be read. */
import { type JsonObject, readCount, readNumber, readNumbers, readString } from "./json";
import { type Manifest, optionalTexts } from "./manifest";

export type AgentRecord = Pick<
  Manifest,
  | "id"
  | "name"
  | "index"
  | "createdAt"
  | "modelDirectory"
  | "modelName"
  | "contextTokens"
  | "system"
  | "pinned"
  | "sampling"
  | "day"
  | "thinking"
  | "tools"
  | "server"
  | "delegateOf"
>;

/** Only the record's fields of a manifest. */
export function agentRecordOf(agent: AgentRecord): AgentRecord {
  const { id, name, index, createdAt, modelDirectory, modelName, contextTokens, system } = agent;
  const { pinned, sampling, day, thinking, tools, server, delegateOf } = agent;
  const record = { id, name, index, createdAt, modelDirectory, modelName, contextTokens, system };
  return {
    ...record,
    ...(pinned === true ? { pinned } : {}),
    ...(sampling === undefined || Object.keys(sampling).length === 0 ? {} : { sampling }),
    ...(day === undefined ? {} : { day }),
    ...(thinking === undefined || thinking === "" ? {} : { thinking }),
    ...(tools === undefined || tools === "" ? {} : { tools }),
    ...(server === undefined || server === "" ? {} : { server }),
    ...(delegateOf === undefined || delegateOf === "" ? {} : { delegateOf }),
  };
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
    ...(object["sampling"] === undefined ? {} : { sampling: readNumbers(object, "sampling") }),
    ...optionalTexts(object),
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
    a.pinned === b.pinned &&
    a.day === b.day &&
    a.thinking === b.thinking &&
    a.tools === b.tools &&
    a.server === b.server &&
    a.delegateOf === b.delegateOf &&
    hasSameNumbers(a.sampling ?? {}, b.sampling ?? {})
  );
}

function hasSameNumbers(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
