import { objectOf } from "../common/json";

/** A model that a server lists. */
export interface ServerModel {
  readonly name: string;
  /** Longest conversation in tokens; absent: the server does not tell. */
  readonly contextTokens?: number;
}

const mostModels = 2_000;

/** The models of a list in OpenAI's form or Ollama's; `undefined`: it is none. An entry without a name is left out. */
export function listedModels(answer: unknown): readonly ServerModel[] | undefined {
  const { data, models } = objectOf(answer);
  const list = Array.isArray(data) ? data : models;
  return Array.isArray(list) ? list.slice(0, mostModels).flatMap(modelOf) : undefined;
}

function modelOf(entry: unknown): readonly ServerModel[] {
  const { id, name, max_model_len, context_length, max_context_length, meta } = objectOf(entry);
  const word = typeof id === "string" ? id : name;
  if (typeof word !== "string" || word === "" || word.length > 512 || /\p{Cc}/u.test(word)) return [];
  const { n_ctx, n_ctx_train } = objectOf(meta);
  const contextTokens = [max_model_len, context_length, max_context_length, n_ctx, n_ctx_train].find(
    (value): value is number => typeof value === "number" && Number.isSafeInteger(value) && value > 0,
  );
  return [{ name: word, ...(contextTokens === undefined ? {} : { contextTokens }) }];
}
