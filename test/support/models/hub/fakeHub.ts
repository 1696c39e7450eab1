import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A model of the fake hub. */
export interface FakeRepo {
  readonly name: string;
  readonly files: Readonly<Record<string, Buffer | string>>;
  /** Files that are in LFS: the hub redirects to the store for them, which is another host. */
  readonly large?: readonly string[];
  readonly gated?: boolean;
  /** Only with this token; without it the model does not seem to exist. */
  readonly privateFor?: string;
  readonly tags?: readonly string[];
}

export const fakeCommit = "0123456789abcdef0123456789abcdef01234567";

export interface SeenRequest {
  readonly host: "hub" | "store";
  readonly path: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
}

/** Answers in place of the server: `true` when it has. */
export type Mischief = (request: IncomingMessage, response: ServerResponse, seen: SeenRequest) => boolean;

export interface Pace {
  readonly chunkBytes: number;
  readonly delayMs: number;
}

/**
 * A model hub on this machine: its API (search, model, tree), the addresses of files, and a store on a port of its own
 * to which files in LFS are redirected. Counts what it has sent of each file.
 */
export class FakeHub {
  readonly requests: SeenRequest[] = [];
  mischief: Mischief = () => false;
  /** Of files in the store. */
  pace: Pace | undefined;
  /** Raised when what is being sent ends. */
  private life = 0;
  /** By file, how often each byte was sent. */
  readonly sent = new Map<string, Uint8Array>();
  private readonly hub: Server;
  private readonly store: Server;
  private readonly repos = new Map<string, FakeRepo>();

  private constructor() {
    this.hub = createServer((request, response) => this.answer("hub", request, response));
    this.store = createServer((request, response) => this.answer("store", request, response));
  }

  static async start(): Promise<FakeHub> {
    const hub = new FakeHub();
    for (const server of [hub.hub, hub.store]) {
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    }
    return hub;
  }

  get url(): string {
    return addressOf(this.hub);
  }

  get storeUrl(): string {
    return addressOf(this.store);
  }

  /** Sends nothing more of what was asked for so far. */
  breakOff(): void {
    this.life += 1;
  }

  add(repo: FakeRepo): void {
    this.repos.set(repo.name, repo);
  }

  async stop(): Promise<void> {
    for (const server of [this.hub, this.store]) {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    }
  }

  private answer(host: "hub" | "store", request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? "/", "http://localhost");
    const { authorization, range } = request.headers;
    const seen: SeenRequest = { host, path: url.pathname, range, authorization };
    this.requests.push(seen);
    if (this.mischief(request, response, seen)) return;
    if (host === "store") this.sendStored(url, request, response);
    else if (url.pathname === "/api/models") this.sendSearch(url, response);
    else this.sendOfRepo(url, request, response);
  }

  private sendOfRepo(url: URL, request: IncomingMessage, response: ServerResponse): void {
    const { authorization } = request.headers;
    const [, name = "", rest = ""] = /^\/(?:api\/models\/)?([^/]+\/[^/]+)\/(.*)$/.exec(url.pathname) ?? [];
    const repo = this.repos.get(name);
    const isVisible = repo?.privateFor === undefined || authorization === `Bearer ${repo.privateFor}`;
    if (repo === undefined || !isVisible) {
      response.writeHead(authorization === undefined ? 401 : 404, { "x-error-code": "RepoNotFound" });
      response.end();
      return;
    }
    if (rest.startsWith("revision/")) sendJson(response, infoOf(repo));
    else if (rest.startsWith("tree/")) sendJson(response, treeOf(repo));
    else this.sendFile(repo, rest.replace(/^resolve\/[^/]+\//, ""), request, response);
  }

  private sendSearch(url: URL, response: ServerResponse): void {
    const words = (url.searchParams.get("search") ?? "").toLowerCase();
    const found = [...this.repos.values()].filter(({ name }) => name.toLowerCase().includes(words));
    sendJson(
      response,
      found.slice(0, Number(url.searchParams.get("limit") ?? 10)).map((repo) => infoOf(repo)),
    );
  }

  private sendFile(repo: FakeRepo, path: string, request: IncomingMessage, response: ServerResponse): void {
    const content = repo.files[path];
    if (content === undefined) {
      sendStatus(response, 404, "EntryNotFound");
      return;
    }
    if (repo.gated === true && request.headers.authorization === undefined) {
      sendStatus(response, 401, "GatedRepo");
      return;
    }
    if (repo.large?.includes(path)) {
      response.writeHead(302, { location: `${this.storeUrl}/${repo.name}/${path}?signature=x` });
      response.end();
      return;
    }
    this.sendBytes(`${repo.name}/${path}`, Buffer.from(content), request, response);
  }

  private sendStored(url: URL, request: IncomingMessage, response: ServerResponse): void {
    const [, name = "", path = ""] = /^\/([^/]+\/[^/]+)\/(.*)$/.exec(url.pathname) ?? [];
    const content = this.repos.get(name)?.files[path];
    if (content === undefined) {
      sendStatus(response, 404, "");
      return;
    }
    this.sendBytes(`${name}/${path}`, Buffer.from(content), request, response);
  }

  private sendBytes(file: string, content: Buffer, request: IncomingMessage, response: ServerResponse): void {
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
    const start = from === undefined ? 0 : Number(from);
    const end = to === undefined ? content.length : Math.min(content.length, Number(to) + 1);
    if (from !== undefined && start >= content.length) {
      sendStatus(response, 416, "");
      return;
    }
    response.writeHead(from === undefined ? 200 : 206, {
      "content-length": end - start,
      ...(from === undefined ? {} : { "content-range": `bytes ${start}-${end - 1}/${content.length}` }),
    });
    const { pace = { chunkBytes: content.length + 1, delayMs: 0 } } = this;
    const counts = this.sent.get(file) ?? new Uint8Array(content.length);
    this.sent.set(file, counts);
    const { life } = this;
    const send = (at: number): void => {
      if (response.destroyed || life !== this.life) return;
      const next = Math.min(end, at + pace.chunkBytes);
      for (let byte = at; byte < next; byte++) counts[byte] = (counts[byte] ?? 0) + 1;
      response.write(content.subarray(at, next));
      if (next >= end) response.end();
      else setTimeout(() => send(next), pace.delayMs);
    };
    send(start);
  }
}

function sha256(content: Buffer | string): string {
  return createHash("sha256").update(content).digest("hex");
}

function infoOf({ name, files, gated, tags = [] }: FakeRepo): object {
  const config: unknown = typeof files["config.json"] === "string" ? JSON.parse(files["config.json"]) : {};
  return {
    _id: name,
    id: name,
    sha: fakeCommit,
    gated: gated === true ? "auto" : false,
    downloads: 7,
    likes: 1,
    private: false,
    tags,
    config,
  };
}

function treeOf({ files, large = [] }: FakeRepo): object {
  return Object.entries(files).map(([path, content]) => {
    const bytes = Buffer.from(content);
    const oid = createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
    const lfs = large.includes(path) ? { lfs: { oid: sha256(bytes), size: bytes.length, pointerSize: 130 } } : {};
    return { type: "file", path, size: bytes.length, oid, ...lfs };
  });
}

function sendJson(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify(value));
}

function sendStatus(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, code === "" ? {} : { "x-error-code": code });
  response.end();
}

function addressOf(server: Server): string {
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === "string") throw new Error("the fake hub does not listen");
  return `http://127.0.0.1:${address.port}`;
}
