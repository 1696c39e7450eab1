import type { IncomingMessage } from "node:http";
import { getProxyForUrl } from "proxy-from-env";
import { AbortedError, throwIfAborted } from "../../common/errors";
import { isLoopbackHost } from "../../common/serverAddress";
import { Connections } from "../../net/connections";
import type { HubEndpoint } from "./hubAccess";
import { hubFailure, statusError, transientFailure } from "./hubErrors";

export interface HubAnswer {
  readonly status: number;
  readonly header: (name: string) => string | undefined;
  /** Where the answer came from, after redirects. */
  readonly url: string;
  /** Must be read to its end or destroyed. */
  readonly body: IncomingMessage;
}

export interface HubGet {
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

const mostRedirects = 8;
const redirects = [301, 302, 303, 307, 308];

/**
 * GET requests by HTTP, through a proxy where there is one. Follows redirects itself, because the token may only go to
 * the hub: a file's redirect leads to the host of a store, and a page of a list may name any address as the next one.
 */
export class HubTransport {
  private readonly connections: Connections;

  constructor(
    readonly endpoint: HubEndpoint,
    /** Without a byte for so long, a request has failed. */
    readonly stallMs: number,
  ) {
    this.connections = new Connections((url) => this.proxyFor(url));
  }

  /** Resolves with an answer below status 400; rejects with a typed error for any other. */
  async get(url: string, { headers = {}, signal }: HubGet = {}): Promise<HubAnswer> {
    let next = url;
    for (let hops = 0; hops <= mostRedirects; hops++) {
      const body = await this.request(next, headers, signal);
      const status = body.statusCode ?? 0;
      const header = (name: string) => body.headers[name]?.toString();
      if (status < 300) return { status, header, url: next, body };
      body.resume();
      const location = header("location");
      if (!redirects.includes(status) || location === undefined) {
        throw statusError({ status, header, url: next }, this.isHub(next));
      }
      next = redirected(next, location);
    }
    throw hubFailure(`${new URL(url).host} redirects in circles`, "check the hub's address", {
      redirects: mostRedirects,
    });
  }

  /** Ends idle connections. */
  close(): void {
    this.connections.close();
  }

  private isHub(url: string): boolean {
    return new URL(url).origin === new URL(this.endpoint.url).origin;
  }

  private request(
    text: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal | undefined,
  ): Promise<IncomingMessage> {
    throwIfAborted(signal);
    const url = new URL(text);
    const isTls = url.protocol === "https:";
    const { token } = this.endpoint;
    const stays = isLoopbackHost(url.hostname) && this.proxyFor(text) === "";
    const mayTell = token !== undefined && this.isHub(text) && (isTls || stays);
    const sent = {
      "user-agent": "resident",
      "accept-encoding": "identity",
      ...headers,
      ...(mayTell ? { authorization: `Bearer ${token}` } : {}),
    };
    return new Promise((resolve, reject) => {
      const request = this.connections.request(url, { headers: sent });
      request.once("response", (answer) => {
        settled();
        resolve(answer);
      });
      const cancel = () => request.destroy(new AbortedError());
      const stalled = setTimeout(
        () => request.destroy(transientFailure(`${url.host} does not answer`, { host: url.host })),
        this.stallMs,
      );
      const settled = () => {
        clearTimeout(stalled);
        signal?.removeEventListener("abort", cancel);
      };
      signal?.addEventListener("abort", cancel, { once: true });
      request.once("error", (error) => {
        settled();
        reject(connectionError(error, url.host));
      });
      // A connection may end without an answer and without an error: where the other side takes up another protocol.
      request.once("close", () => {
        settled();
        reject(transientFailure(`${url.host} ended the connection`, { host: url.host }));
      });
      request.end();
    });
  }

  /** "": none. */
  private proxyFor(url: string): string {
    return this.endpoint.proxy ?? getProxyForUrl(url);
  }
}

function redirected(from: string, location: string): string {
  const { host, protocol } = new URL(from);
  const to = parsedUrl(location, from);
  const isSafe = to?.protocol === "https:" || (to?.protocol === "http:" && protocol === "http:");
  if (to !== undefined && isSafe) return to.href;
  throw hubFailure(`${host} redirects to an address that is not safe`, "check the hub's address", { host });
}

function parsedUrl(text: string, base: string): URL | undefined {
  try {
    return new URL(text, base);
  } catch {
    return undefined;
  }
}

/** Any error of a connection; one of ours is returned as it is. */
export function connectionError(error: unknown, host: string): unknown {
  if (!(error instanceof Error) || !("code" in error) || "advice" in error) return error;
  const code = String(error.code);
  if (/CERT|SIGNATURE|SSL|TLS/.test(code)) {
    return hubFailure(
      `the certificate of ${host} is not trusted (${code})`,
      "behind a company's proxy, name the file of its certificate in NODE_EXTRA_CA_CERTS",
      { host, reason: code },
      error,
    );
  }
  return transientFailure(`${host} cannot be reached (${code})`, { host, reason: code }, error);
}
