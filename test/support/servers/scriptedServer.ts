import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A request that the server got. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The body as JSON; `{}` where it has none. */
  readonly json: Readonly<Record<string, unknown>>;
  /** Resolves when nothing more can be sent: whether the client closed the connection before the answer ended. */
  readonly cut: Promise<boolean>;
}

/** What the server does with one request. */
export type Script = (response: ServerResponse, request: SeenRequest) => void | Promise<void>;

/**
 * A real HTTP server on loopback. Each request to the chat endpoint takes the next script; the last one stays. The list of
 * models has its own.
 */
export class ScriptedServer {
  readonly requests: SeenRequest[] = [];
  models: Script = json({ object: "list", data: [{ id: "tiny", object: "model" }] });
  private scripts: Script[] = [];

  private constructor(private readonly server: Server) {
    server.on("request", (incoming, response) => {
      const parts: Buffer[] = [];
      incoming.on("data", (part: Buffer) => parts.push(part));
      incoming.on("end", () => {
        const body = Buffer.concat(parts).toString();
        const { method = "", url = "", headers } = incoming;
        const cut = new Promise<boolean>((resolve) => {
          response.once("close", () => resolve(!response.writableFinished));
        });
        const request = { method, path: url, headers, body, json: body === "" ? {} : JSON.parse(body), cut };
        this.requests.push(request);
        void this.scriptFor(url)(response, request);
      });
    });
  }

  /** `port`: absent, any that is free. */
  static async start(port = 0): Promise<ScriptedServer> {
    const server = createServer();
    await new Promise<void>((done) => server.listen(port, "127.0.0.1", done));
    return new ScriptedServer(server);
  }

  get port(): number {
    const address: AddressInfo | string | null = this.server.address();
    if (address === null || typeof address === "string") throw new Error("the scripted server does not listen");
    return address.port;
  }

  /** As `parseServerAddress` gives it. */
  get url(): string {
    return `http://127.0.0.1:${this.port}/v1`;
  }

  /** What the next requests get, in order. */
  play(...scripts: readonly Script[]): void {
    this.scripts = [...scripts];
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }

  private scriptFor(url: string): Script {
    if (url.endsWith("/models")) return this.models;
    const [next] = this.scripts;
    if (this.scripts.length > 1) this.scripts.shift();
    return next ?? status(500, "there is no script");
  }
}

/** A scripted server for each test of the suite. */
export function scriptedServer(): { readonly server: ScriptedServer } {
  const holder: { current?: ScriptedServer } = {};
  beforeEach(async () => {
    holder.current = await ScriptedServer.start();
  });
  afterEach(() => holder.current?.stop());
  return {
    get server() {
      if (holder.current === undefined) throw new Error("the scripted server belongs to a test");
      return holder.current;
    },
  };
}

export function json(value: unknown, code = 200): Script {
  return (response) => {
    response.writeHead(code, { "content-type": "application/json" });
    response.end(JSON.stringify(value));
  };
}

export function status(code: number, body: string, headers: Readonly<Record<string, string>> = {}): Script {
  return (response) => void response.writeHead(code, headers).end(body);
}

/** An error as OpenAI and most servers send it. */
export function failing(code: number, message: string, more: object = {}, headers = {}): Script {
  return status(code, JSON.stringify({ error: { message, ...more } }), {
    "content-type": "application/json",
    ...headers,
  });
}

/** Begins a stream. */
export function beginStream(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.flushHeaders();
}

export function writeEvent(response: ServerResponse, value: unknown): void {
  response.write(`data: ${typeof value === "string" ? value : JSON.stringify(value)}\n\n`);
}

/** A whole stream: the events, then `[DONE]`. */
export function stream(...events: readonly unknown[]): Script {
  return (response) => {
    beginStream(response);
    for (const event of events) writeEvent(response, event);
    writeEvent(response, "[DONE]");
    response.end();
  };
}

/** One event with a piece of the answer. */
export function delta(part: object, finish: string | null = null): object {
  return { object: "chat.completion.chunk", choices: [{ index: 0, delta: part, finish_reason: finish }] };
}

export const said = (content: string): object => delta({ content });
export const ended = (reason = "stop"): object => delta({}, reason);
export const counted = (usage: object): object => ({ choices: [], usage });

/** Ends the connection without ending the answer. */
export function cut(response: ServerResponse): void {
  const { socket } = response;
  socket?.destroy();
}
