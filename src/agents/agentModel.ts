/** What an agent's manifest says about what answers it. */
import { InvalidRequestError } from "../common/errors";
import type { AgentServer } from "../protocol/service";
import type { Manifest } from "../store/manifest";
import type { AgentsOptions } from "./agentWorld";

export function modelOf({ modelDirectory, modelName, contextTokens, server = "" }: Manifest) {
  return { modelDirectory, modelName, contextTokens, server };
}

/** The model in a folder, which is absolute. */
export async function folderModel(
  { models, defaultModel }: Pick<AgentsOptions, "models" | "defaultModel">,
  modelDirectory = defaultModel(),
) {
  const { name: modelName, contextTokens } = await models.describe(modelDirectory);
  return { modelDirectory, modelName, contextTokens };
}

/** A connected server. Rejects with SERVER_UNKNOWN for another one. */
export async function serverModel({ servers }: Pick<AgentsOptions, "servers">, server: AgentServer) {
  const { contextTokens } = await servers.describe(server);
  return { server: server.address, modelName: server.model, contextTokens };
}

/** Rewinding could lead back to them. */
export function tokensOfAnother({ name, modelDirectory }: Manifest): InvalidRequestError {
  return new InvalidRequestError(
    `${name} has read tokens with the model in ${modelDirectory}, which belong to that model`,
    "make a copy of the agent that uses the other model",
    { model: modelDirectory },
  );
}
