/** A model that a server answers for. */
interface ModelServer {
  /** "http://127.0.0.1:8080/v1" */
  readonly address: string;
  /** The model's name there. */
  readonly model: string;
}

/** The name of an agent's model as a label tells it: "Qwen3-4B-4bit", "Qwen3-235B on studio.local:8000". */
export function modelLabel({
  modelName,
  server,
}: {
  readonly modelName: string;
  readonly server?: ModelServer;
}): string {
  return server === undefined ? modelName : `${server.model} on ${hostOf(server.address)}`;
}

/** Host and port, without what else an address may have in it: a name, a password, a path. */
function hostOf(address: string): string {
  try {
    return new URL(address).host || address;
  } catch {
    return address; // no URL: as it was written
  }
}
