import type { ClientRequest, IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { getProxyForUrl } from "proxy-from-env";
import { AbortedError, throwIfAborted } from "../common/errors";
import { createFormats } from "../common/format";
import { isBeyondLoopback } from "../common/serverAddress";
import { Connections } from "../net/connections";
import { connectionFailure, ServerFailure } from "./serverErrors";

/** How one server is reached. */
export interface ServerAccess {
  /** As `parseServerAddress` gives it. */
  readonly url: string;
  readonly key?: string | undefined;
  /** In place of the environment's proxy. Servers of this machine are always reached directly. */
  readonly proxy?: string | undefined;
}

export interface ServerTimes {
  /** For the connection alone. */
  readonly connectMs: number;
  /**
   * Without a byte for so long, an answer has failed. A server may send nothing while it reads a long prompt. There is
   * no limit on the whole time.
   */
  readonly silentMs: number;
}

export interface ServerResponse {
  readonly status: number;
  /** Header by its name in lower case. */
  readonly header: (name: string) => string | undefined;
  readonly url: string;
  /** Must be read to its end or destroyed. */
  readonly body: IncomingMessage;
}

interface Asked {
  readonly method: "GET" | "POST";
  readonly body?: string;
  readonly signal?: AbortSignal | undefined;
}

const mostRedirects = 3;
/** These repeat the request as it is. */
const repeating = [307, 308];
const redirects = [301, 302, 303, ...repeating];

/**
 * Requests to one server. They follow redirects only within it: neither its key nor a conversation goes to an address
 * that nobody agreed to.
 */
export class ServerTransport {
  private readonly connections: Connections;

  constructor(
    readonly access: ServerAccess,
    readonly times: ServerTimes,
  ) {
    const isAway = isBeyondLoopback(access.url);
    this.connections = new Connections((url) => (isAway ? (access.proxy ?? getProxyForUrl(url)) : ""));
  }

  /** For people: host and port. */
  get host(): string {
    return new URL(this.access.url).host;
  }

  get(path: string, signal?: AbortSignal): Promise<ServerResponse> {
    return this.ask(path, { method: "GET", signal });
  }

  post(path: string, body: string, signal?: AbortSignal): Promise<ServerResponse> {
    return this.ask(path, { method: "POST", body, signal });
  }

  /** Ends idle connections. */
  close(): void {
    this.connections.close();
  }

  private async ask(path: string, asked: Asked): Promise<ServerResponse> {
    let url = new URL(this.access.url + path);
    for (let hops = 0; hops <= mostRedirects; hops++) {
      const body = await this.request(url, asked);
      const status = body.statusCode ?? 0;
      const header = (name: string) => body.headers[name]?.toString();
      const location = header("location");
      if (!redirects.includes(status) || location === undefined) return { status, header, url: url.href, body };
      body.destroy();
      url = this.redirected(url, location, asked.method === "GET" || repeating.includes(status));
    }
    throw new ServerFailure("redirect", `${this.host} redirects in circles`, "check the address", { host: this.host });
  }

  private redirected(from: URL, location: string, mayFollow: boolean): URL {
    const to = parsedUrl(location, from);
    if (to?.origin === from.origin && mayFollow) return to;
    const { host } = this;
    const place = to === undefined ? "a place that is no address" : to.origin + to.pathname;
    throw new ServerFailure(
      "redirect",
      `${host} redirects to ${place.slice(0, 300)}, where nothing was sent`,
      "connect to that address instead, if it is the right one",
      { host },
    );
  }

  /** A server may close a kept connection just when it is used again: then the request goes out on another at once. */
  private async request(url: URL, asked: Asked): Promise<IncomingMessage> {
    for (;;) {
      const answer = await this.send(url, asked);
      if (answer !== "closed before") return answer;
    }
  }

  private send(url: URL, { method, body, signal }: Asked): Promise<IncomingMessage | "closed before"> {
    throwIfAborted(signal);
    const { key } = this.access;
    const { host } = this;
    const { connectMs, silentMs } = this.times;
    const headers = {
      "user-agent": "resident",
      accept: "application/json, text/event-stream",
      "accept-encoding": "identity",
      ...(body === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(body) }),
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
    };
    return new Promise((resolve, reject) => {
      const request = this.connections.request(url, { method, headers });
      const cancel = () => request.destroy(new AbortedError());
      const connecting = setTimeout(() => request.destroy(unreachable(host, connectMs)), connectMs);
      const silent = setTimeout(() => request.destroy(silence(host, silentMs)), silentMs);
      onConnected(request, url, () => clearTimeout(connecting));
      const settled = () => {
        clearTimeout(connecting);
        clearTimeout(silent);
        signal?.removeEventListener("abort", cancel);
      };
      signal?.addEventListener("abort", cancel, { once: true });
      request.once("response", (answer) => {
        settled();
        resolve(answer);
      });
      // A connection may end without an answer and without an error: where the server takes up another protocol.
      request.once("close", () => {
        settled();
        reject(connectionFailure(new Error("socket hang up"), host));
      });
      // A server that refuses may close while the request is still being sent: its answer comes first then.
      request.on("error", (error) => {
        settled();
        const failure = connectionFailure(error, host);
        const isReset = failure instanceof ServerFailure && failure.reason === "reset";
        if (isReset && request.reusedSocket) resolve("closed before");
        else reject(failure);
      });
      request.end(body);
    });
  }
}

/** A kept connection is there at once; a new one over TLS is there when both sides have agreed. */
function onConnected(request: ClientRequest, url: URL, done: () => void): void {
  request.once("socket", (socket: Socket) => {
    // The other side may be gone without a word, while it is expected to read for minutes.
    socket.setKeepAlive(true, 30_000);
    const isTls = url.protocol === "https:";
    if (request.reusedSocket || (!isTls && !socket.connecting)) done();
    else socket.once(isTls ? "secureConnect" : "connect", done);
  });
}

const { duration } = createFormats("en");

function unreachable(host: string, ms: number): ServerFailure {
  return new ServerFailure(
    "unreachable",
    `${host} cannot be reached: no connection within ${duration(ms)}`,
    "check the address and the network",
    { host, connectMs: ms },
  );
}

export function silence(host: string, ms: number): ServerFailure {
  return new ServerFailure(
    "silent",
    `${host} has sent nothing for ${duration(ms)}`,
    "look at the server, then try again; for prompts that it reads longer, raise resident.servers.silentMinutes",
    { host, silentMs: ms },
  );
}

function parsedUrl(text: string, base: URL): URL | undefined {
  try {
    return new URL(text, base);
  } catch {
    return undefined;
  }
}
