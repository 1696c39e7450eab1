import { toErrorInfo } from "../common/errors";
import type { AgentServer, AgentSummary, ConnectedServer, ResidentService } from "../protocol/service";
import type { Arguments, OptionSpec } from "./arguments";

/** Options of a command that a server may answer. */
export const serverOptions: Readonly<Record<string, OptionSpec>> = {
  server: {
    value: "URL",
    help: "a server with an OpenAI-compatible chat endpoint answers; its key is in RESIDENT_SERVER_KEY (with --agent: from now on)",
  },
  "server-model": { value: "NAME", help: "with --server: which of its models" },
  yes: { help: "with --server: conversations may leave this machine for that address" },
};

/** `undefined`: no server was asked for. */
export async function serverOf(service: ResidentService, args: Arguments): Promise<AgentServer | undefined> {
  const address = args.text("server");
  const wanted = args.text("server-model");
  if (address === undefined) {
    if (wanted !== undefined) args.refuse("--server-model goes with --server");
    if (args.flag("yes")) args.refuse("--yes goes with --server");
    return undefined;
  }
  for (const name of ["model", "raw", "continue"]) {
    if (args.text(name) !== undefined || args.flag(name)) args.refuse(`--server cannot go with --${name}`);
  }
  const server = await connect(service, args, address);
  const names = server.models.map(({ name }) => name);
  const [only, ...others] = names;
  const model = wanted ?? (others.length === 0 ? only : undefined);
  if (model !== undefined) return { address: server.address, model };
  const listed = names.length === 0 ? `${server.host} lists no models` : `${server.host} has ${names.join(", ")}`;
  return args.refuse(`--server-model is missing: ${listed}`);
}

async function connect(service: ResidentService, args: Arguments, address: string): Promise<ConnectedServer> {
  const key = keyOfEnvironment();
  const mayLeave = args.flag("yes");
  try {
    return await service.connectServer({ address, ...(key === undefined ? {} : { key }), mayLeave });
  } catch (error) {
    const { what, facts } = toErrorInfo(error);
    if (facts["needsConsent"] !== true) throw error;
    return args.refuse(`${what}: that needs --yes`);
  }
}

/** An agent that a server answers already: the core is told the key. */
export async function handKeyOver(service: ResidentService, agent: AgentSummary): Promise<void> {
  const key = keyOfEnvironment();
  if (agent.server === undefined || key === undefined) return;
  await service.setServerKeys({ [agent.server.address]: key });
}

/** Makes the agent use what the options say; `undefined`: nothing was said. */
export async function withEngine(
  service: ResidentService,
  agent: AgentSummary,
  server: AgentServer | undefined,
  modelDirectory: string | undefined,
): Promise<AgentSummary> {
  const { server: now } = agent;
  if (server !== undefined) {
    const isSame = now?.address === server.address && now.model === server.model;
    return isSame ? agent : service.useServer(agent.id, server);
  }
  if (modelDirectory === undefined) return agent;
  return now === undefined ? agent : service.useFolder(agent.id, modelDirectory);
}

function keyOfEnvironment(): string | undefined {
  const key = process.env["RESIDENT_SERVER_KEY"]?.trim() ?? "";
  return key === "" ? undefined : key;
}
