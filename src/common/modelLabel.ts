/** A model that a server answers for. */
interface ModelServer {
  /** "http://127.0.0.1:8080/v1" */
  readonly address: string;
  /** The model's name there. */
  readonly model: string;
}

interface ModelOfAgent {
  readonly modelName: string;
  /** Absent: the model is a folder. */
  readonly server?: ModelServer;
}

/** The name of an agent's model, and where it is if that is not this machine. */
export function modelParts({ modelName, server }: ModelOfAgent): { readonly name: string; readonly host?: string } {
  return server === undefined ? { name: modelName } : { name: server.model, host: hostOf(server.address) };
}

/** The same as a label: "Qwen3-4B-4bit", "Qwen3-235B on studio.local:8000". */
export function modelLabel(agent: ModelOfAgent): string {
  const { name, host } = modelParts(agent);
  return host === undefined ? name : `${name} on ${host}`;
}

/** Host and port, without what else an address may have in it: a name, a password, a path. */
export function hostOf(address: string): string {
  try {
    return new URL(address).host || address;
  } catch {
    return address; // no URL: as it was written
  }
}
