/** What agents need of servers that answer in place of a model in this process. */
import { ResidentError } from "../common/errors";
import type { ChatMessage } from "../common/messages";
import type { ServerAnswer, ServerPiece } from "../common/serverAnswer";
import type { Thinking } from "../common/thinking";
import type { JsonSchema, ToolMode, ToolSpec } from "../common/tools";
import type { AgentServer, SamplingOptions } from "../protocol/service";
import type { Manifest } from "../store/manifest";

/** One answer to make. */
export interface ServerQuestion {
  readonly server: AgentServer;
  /** Thoughts are without their marks. Where the last one is an answer, it is continued. */
  readonly messages: readonly ChatMessage[];
  readonly tools: readonly ToolSpec[];
  readonly toolMode: ToolMode;
  /** The answer has to be JSON that this schema allows, where the server can see to it. */
  readonly jsonSchema?: JsonSchema;
  /** Only what was chosen: the server has values of its own for the rest. */
  readonly sampling: SamplingOptions;
  readonly thinking?: Thinking;
}

export interface Servers {
  /**
   * Rejects with SERVER_UNKNOWN where the server is not connected, with ABORTED, and with the failures of servers. What was
   * given to `onPiece` before that counts.
   */
  answer(question: ServerQuestion, signal: AbortSignal, onPiece: (piece: ServerPiece) => void): Promise<ServerAnswer>;
  /** Throws SERVER_UNKNOWN where it is not connected. `contextTokens`: 0 where the server does not tell. */
  describe(server: AgentServer): Promise<{ readonly contextTokens: number }>;
}

/** The server that answers the agent; `undefined`: the model in its folder does. */
export function storedServer({ server, modelName }: Pick<Manifest, "server" | "modelName">): AgentServer | undefined {
  return server === undefined || server === "" ? undefined : { address: server, model: modelName };
}

/** Where no server can be connected. */
export const noServers: Servers = {
  answer: async ({ server }) => {
    throw notConnected(server.address);
  },
  describe: async ({ address }) => {
    throw notConnected(address);
  },
};

export function notConnected(address: string): ResidentError {
  return new ResidentError(
    "SERVER_UNKNOWN",
    `the server ${address} is not connected`,
    "connect to it first (Connect to a Server…)",
    { address },
  );
}
