import { notConnected, type ServerQuestion, type Servers } from "../agents/serverPort";
import { InvalidRequestError, ResidentError } from "../common/errors";
import { isBeyondLoopback, isPlainBeyondLoopback, parseServerAddress } from "../common/serverAddress";
import type { ServerAnswer, ServerPiece } from "../common/serverAnswer";
import type { AgentServer, ConnectedServer, ConnectServerRequest, ServerModel, ServerTrial } from "../protocol/service";
import type { ReadCall } from "../servers/callAssembler";
import { ServerClient, serverOptions } from "../servers/serverClient";
import { refusal } from "../servers/serverErrors";
import { DeclaredTools } from "../text/tools/declaredTools";
import { givenCall } from "../text/tools/givenCalls";
import { type ServerRecord, ServerRecords } from "./serverRecords";
import { ServerTextCalls } from "./serverTextCalls";

export interface ServerDeskOptions {
  /** The file of the connected servers. */
  readonly file: string;
  /** A server that sends nothing for so long has failed. */
  readonly silentMs?: number | undefined;
  /** In place of the environment's proxy; `undefined`: that one. */
  readonly proxy: () => string | undefined;
  /** Ids for calls that come without one. */
  readonly newId: () => string;
}

/**
 * The servers as the door offers them. No request goes to an address beyond this machine before a person has agreed to that
 * address; keys are kept in memory only.
 */
export class ServerDesk implements Servers {
  private readonly records: ServerRecords;
  private readonly keys = new Map<string, string>();
  private readonly clients = new Map<string, ServerClient>();

  constructor(private readonly options: ServerDeskOptions) {
    this.records = new ServerRecords(options.file);
  }

  async connect(request: ConnectServerRequest, signal?: AbortSignal): Promise<ConnectedServer> {
    const { url: address } = parseServerAddress(request.address);
    const key = request.key === undefined || request.key === "" ? this.keys.get(address) : checkedKey(request.key);
    const known = await this.records.find(address);
    const mayLeave = request.mayLeave === true || known?.mayLeave === true || !isBeyondLoopback(address);
    if (!mayLeave) throw needsConsent(address);
    const client = this.newClient(address, key);
    try {
      const models = await client.listModels(signal);
      const record = { ...known, address, models, mayLeave };
      await this.records.put(record);
      if (key !== undefined) this.setKey(address, key);
      return this.shown(record);
    } finally {
      client.close();
    }
  }

  /** Those that a person has agreed to. */
  async list(): Promise<readonly ConnectedServer[]> {
    return (await this.records.all()).filter(({ mayLeave }) => mayLeave).map((record) => this.shown(record));
  }

  async forget(written: string): Promise<void> {
    const { url: address } = parseServerAddress(written);
    await this.records.remove(address);
    this.keys.delete(address);
    this.drop(address);
  }

  setKeys(keys: Readonly<Record<string, string>>): void {
    const wanted = Object.entries(keys).map(
      ([address, key]) => [parseServerAddress(address).url, checkedKey(key)] as const,
    );
    const addresses = new Set(wanted.map(([address]) => address));
    for (const address of [...this.keys.keys()]) {
      if (addresses.has(address)) continue;
      this.keys.delete(address);
      this.drop(address);
    }
    for (const [address, key] of wanted) this.setKey(address, key);
  }

  async try(server: AgentServer, signal?: AbortSignal): Promise<ServerTrial> {
    const { address } = await this.connected(server.address);
    const { text, ms } = await this.clientOf(address).testRequest(server.model, signal);
    return { text, ms };
  }

  async describe({ address: written, model }: AgentServer): Promise<{ readonly contextTokens: number }> {
    const { address, models } = await this.connected(written);
    const named = (list: readonly ServerModel[]) => list.find(({ name }) => name === model);
    // A model may have come since the server was connected.
    const found = named(models) ?? named(await this.listedAgain(address));
    if (found !== undefined) return { contextTokens: found.contextTokens ?? 0 };
    const { host } = new URL(address);
    throw refusal(`${host} lists no model ${model}`, "choose one of the models that it lists", { host, model });
  }

  async answer(
    { server, ...question }: ServerQuestion,
    signal: AbortSignal,
    onPiece: (piece: ServerPiece) => void,
  ): Promise<ServerAnswer> {
    const record = await this.connected(server.address);
    const { thoughtField } = record;
    const { newId } = this.options;
    const { tools, toolMode } = question;
    const declared = new DeclaredTools(tools);
    const readCall: ReadCall = (name, said) => givenCall(declared, name, said);
    const request = { ...question, model: server.model, newId, readCall };
    const ask = (take: (piece: ServerPiece) => void) =>
      this.clientOf(record.address).chat(
        thoughtField === undefined ? request : { ...request, thoughtField },
        signal,
        take,
      );
    const mayCall = tools.length > 0 && (toolMode === "auto" || toolMode === "required");
    const answer = await (mayCall ? withTextCalls(ask, new ServerTextCalls(tools, newId, onPiece)) : ask(onPiece));
    // From then on its thoughts go back under the name that it knows. That it cannot be kept costs no answer.
    if (answer.thoughtField !== undefined && answer.thoughtField !== thoughtField) {
      await this.records.update(record.address, { thoughtField: answer.thoughtField }).catch(() => {});
    }
    return answer;
  }

  /** Ends idle connections. */
  close(): void {
    for (const address of [...this.clients.keys()]) this.drop(address);
  }

  private async listedAgain(address: string): Promise<readonly ServerModel[]> {
    const models = await this.clientOf(address).listModels();
    await this.records.update(address, { models });
    return models;
  }

  private async connected(written: string): Promise<ServerRecord> {
    const { url: address } = parseServerAddress(written);
    const record = await this.records.find(address);
    if (record === undefined) throw notConnected(address);
    if (!record.mayLeave) throw needsConsent(address);
    return record;
  }

  private setKey(address: string, key: string): void {
    if (this.keys.get(address) === key) return;
    this.keys.set(address, key);
    this.drop(address);
  }

  /** Requests under way go on. */
  private drop(address: string): void {
    this.clients.get(address)?.close();
    this.clients.delete(address);
  }

  private clientOf(address: string): ServerClient {
    const client = this.clients.get(address) ?? this.newClient(address, this.keys.get(address));
    this.clients.set(address, client);
    return client;
  }

  private newClient(url: string, key: string | undefined): ServerClient {
    const { silentMs = serverOptions.silentMs, proxy } = this.options;
    return new ServerClient({ url, key, proxy: proxy() }, { ...serverOptions, silentMs });
  }

  private shown({ address, models }: ServerRecord): ConnectedServer {
    return {
      address,
      host: new URL(address).host,
      models,
      isRemote: isBeyondLoopback(address),
      hasKey: this.keys.has(address),
    };
  }
}

async function withTextCalls(
  ask: (take: (piece: ServerPiece) => void) => Promise<ServerAnswer>,
  inText: ServerTextCalls,
): Promise<ServerAnswer> {
  try {
    return inText.end(await ask((piece) => inText.take(piece)));
  } catch (error) {
    inText.flush();
    throw error;
  }
}

/** It becomes part of a header. The message does not repeat it: it is a secret. */
function checkedKey(key: string): string {
  if (/^[\x21-\x7e]{1,4096}$/.test(key)) return key;
  throw new InvalidRequestError("the server's key has characters that no key has", "copy it again");
}

/** `facts.isPlain`: what is sent can be read on the way. */
function needsConsent(address: string): ResidentError {
  const isPlain = isPlainBeyondLoopback(address);
  const readable = isPlain ? ", and can be read on the way (http)" : "";
  return new ResidentError(
    "SERVER_UNKNOWN",
    `conversations would leave this machine for ${new URL(address).host}${readable}`,
    "agree to it first: Connect to a Server…, or --yes",
    { address, needsConsent: true, isPlain },
  );
}
