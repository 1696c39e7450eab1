import { InvalidRequestError } from "../../common/errors";

/** A model on the hub: `ORG/NAME`, and a branch, tag or commit. */
export interface RepoName {
  readonly name: string;
  readonly revision: string;
}

const part = "[A-Za-z0-9][A-Za-z0-9._-]{0,95}";
const repo = new RegExp(`^(${part}/${part})(?::([A-Za-z0-9][A-Za-z0-9._/-]{0,127}))?$`);

/** Whether a hub's own word for a model is one that it can be asked for: `ORG/NAME`. */
export function isModelName(name: unknown): name is string {
  return typeof name === "string" && repo.exec(name)?.[1] === name && !name.includes("..");
}

/** Reads `ORG/NAME[:revision]`, or the address of the model's page. Without a revision it is the main branch. */
export function parseRepoName(text: string): RepoName {
  const words = text.trim().replace(/^https?:\/\/[^/]+\//, "");
  const [, name, revision = "main"] = repo.exec(words.replace(/\/(tree\/main\/?)?$/, "")) ?? [];
  if (name !== undefined && !`${name}/${revision}`.includes("..")) return { name, revision };
  throw new InvalidRequestError(
    `"${text}" is not the name of a model on the hub`,
    "write it as ORG/NAME or ORG/NAME:REVISION",
    { name: text },
  );
}
