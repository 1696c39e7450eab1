import { listFiles, listModels, modelInfo } from "@huggingface/hub";
import { parseBoundedJson } from "../../common/boundedJson";
import { throwIfAborted, toErrorInfo } from "../../common/errors";
import { type JsonObject, listOf, objectOf } from "../../text/json";
import { type BodyLimits, readBody } from "./answerBody";
import { hubFailure, transientFailure } from "./hubErrors";
import type { HubTransport } from "./hubTransport";
import { isModelName, type RepoName } from "./repoName";
import { type RetryPolicy, withRetries } from "./retry";

/** What the hub itself says of a model, before any file is read. */
export interface HubEntry {
  readonly name: string;
  /** `model_type` of its config; "" where the hub does not say. */
  readonly architecture: string;
  readonly downloads: number;
  readonly gated: boolean;
  /** SPDX id, or the hub's own word; "" where none is given. */
  readonly licence: string;
  readonly tags: readonly string[];
}

/** A file of a model, with the hash that git or LFS has for it. */
export interface HubFile {
  readonly path: string;
  readonly bytes: number;
  readonly hash: { readonly type: "sha256" | "git"; readonly hex: string };
}

export interface HubRepo extends HubEntry {
  /** The commit that the revision means: everything is read from this one. */
  readonly commit: string;
  readonly files: readonly HubFile[];
}

/** Of an answer that is kept in memory: lists, configs. */
const maxJsonBytes = 32 << 20;
const mostFiles = 10_000;
/** Of one list: a server could name a next page for ever. */
const mostPages = 100;
const bodyLimits = (stallMs: number): BodyLimits => ({ stallMs, leastBytes: 1 });

/** The hub's lists. Everything that it says is checked: it may be a mirror, a captive portal, or an attacker. */
export class HubClient {
  constructor(
    readonly transport: HubTransport,
    private readonly policy: RetryPolicy,
  ) {}

  /** The models that fit the words best, most downloaded first. */
  async search(words: string, limit: number, signal?: AbortSignal): Promise<readonly HubEntry[]> {
    return this.ask(signal, async () => {
      const found: HubEntry[] = [];
      const asked = { search: { query: words }, sort: "downloads", limit } as const;
      for await (const entry of listModels({ ...asked, additionalFields: ["config", "tags"], ...this.way(signal) })) {
        if (isModelName(entry.name)) found.push(entryOf(objectOf(entry)));
        if (found.length >= limit) break;
      }
      return found;
    });
  }

  /** A model's files at a revision. */
  async repo({ name, revision }: RepoName, signal?: AbortSignal): Promise<HubRepo> {
    return this.ask(signal, async () => {
      const additionalFields: ("sha" | "config" | "tags")[] = ["sha", "config", "tags"];
      const info: unknown = await modelInfo({ name, revision, additionalFields, ...this.way(signal) });
      const json = objectOf(info);
      const commit = json["sha"];
      if (typeof commit !== "string" || !/^[0-9a-f]{7,64}$/.test(commit)) throw oddAnswer(name);
      const files: HubFile[] = [];
      for await (const entry of listFiles({ repo: name, revision: commit, recursive: false, ...this.way(signal) })) {
        const file = fileOf(entry);
        if (file !== undefined) files.push(file);
        if (files.length > mostFiles) throw oddAnswer(name);
      }
      return { ...entryOf({ ...json, name }), commit, files };
    });
  }

  /** A small file of the model as text. */
  async text(name: string, commit: string, file: HubFile, signal?: AbortSignal): Promise<string> {
    const { stallMs } = this.transport;
    return withRetries(this.policy, signal, async () => {
      const answer = await this.transport.get(this.fileUrl(name, commit, file.path), { signal });
      return (await readBody(answer, maxJsonBytes, bodyLimits(stallMs), signal)).toString();
    });
  }

  /** A part of a large file. Throws HUB_FAILURE where the server sends only whole files. */
  async range(
    name: string,
    commit: string,
    { path }: HubFile,
    { start, end }: { readonly start: number; readonly end: number },
    signal?: AbortSignal,
  ): Promise<Buffer> {
    const { stallMs } = this.transport;
    const headers = { range: `bytes=${start}-${end - 1}` };
    return withRetries(this.policy, signal, async () => {
      const answer = await this.transport.get(this.fileUrl(name, commit, path), { headers, signal });
      if (answer.status === 206) return readBody(answer, end - start, bodyLimits(stallMs), signal);
      answer.body.destroy();
      throw hubFailure(`the server of ${path} sends only whole files`, "choose a model in MLX's format", { name });
    });
  }

  fileUrl(name: string, commit: string, path: string): string {
    return `${this.transport.endpoint.url}/${name}/resolve/${commit}/${path.split("/").map(encodeURIComponent).join("/")}`;
  }

  private way(signal: AbortSignal | undefined) {
    return { hubUrl: this.transport.endpoint.url, fetch: this.fetchWith(signal) };
  }

  /** In place of `fetch` for the library: it never gets the token, which the transport adds where it may. */
  private fetchWith(signal: AbortSignal | undefined): typeof fetch {
    let pages = 0;
    return async (input) => {
      pages += 1;
      if (pages > mostPages) throw endlessList(new URL(this.transport.endpoint.url).host);
      const url = typeof input === "string" ? input : input instanceof URL ? input.href : input.url;
      const answer = await this.transport.get(url, { headers: { accept: "application/json" }, signal });
      const body = await readBody(answer, maxJsonBytes, bodyLimits(this.transport.stallMs), signal);
      const text = body.toString();
      requireJson(text, new URL(answer.url).host);
      const link = answer.header("link");
      return new Response(text, { status: 200, headers: link === undefined ? {} : { link } });
    };
  }

  /** Any error that is none of ours comes from the library, which trusts the shape of what it gets. */
  private ask<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    return withRetries(this.policy, signal, async () => {
      try {
        return await work();
      } catch (error) {
        throwIfAborted(signal);
        if (toErrorInfo(error).code !== "INTERNAL") throw error;
        throw oddAnswer(new URL(this.transport.endpoint.url).host, error);
      }
    });
  }
}

function requireJson(text: string, host: string): void {
  try {
    parseBoundedJson(text);
  } catch (error) {
    const isPage = /^\s*</.test(text);
    const what = isPage ? `${host} answers with a web page instead of data` : `the answer of ${host} is not readable`;
    if (!isPage) throw transientFailure(what, { host, characters: text.length }, error);
    throw hubFailure(
      what,
      "check the hub's address and the proxy, and whether the network asks for a login first",
      { host },
      error,
    );
  }
}

function oddAnswer(who: string, cause?: unknown) {
  return hubFailure(
    `the hub's answer about ${who} is not what it should be`,
    "check the hub's address",
    { who },
    cause,
  );
}

function endlessList(host: string) {
  return hubFailure(
    `${host} sends a list of more than ${mostPages} pages`,
    "search with more words, or check the hub's address",
    { host, mostPages },
  );
}

/** A word of a list that people see, in a terminal too; "" for anything else. */
function wordOf(value: unknown): string {
  return typeof value === "string" && /^[\w.+-]{1,96}$/.test(value) ? value : "";
}

function entryOf(json: JsonObject): HubEntry {
  const tags = listOf(json["tags"]).filter((tag) => typeof tag === "string");
  return {
    name: typeof json["name"] === "string" ? json["name"] : "",
    architecture: wordOf(objectOf(json["config"])["model_type"]),
    downloads: typeof json["downloads"] === "number" ? json["downloads"] : 0,
    gated: json["gated"] === "auto" || json["gated"] === "manual",
    licence: wordOf(tags.find((tag) => tag.startsWith("license:"))?.slice("license:".length)),
    tags,
  };
}

/** `undefined` for a folder, and for a file whose name or facts are not sound: it is then as if it were not there. */
function fileOf(entry: unknown): HubFile | undefined {
  const { type, path, size, oid, lfs } = objectOf(entry);
  const isFile = type === "file" && typeof path === "string" && typeof size === "number" && Number.isSafeInteger(size);
  if (!isFile || size < 0 || !/^[^/\\.\p{Cc}][^/\\\p{Cc}]*$/u.test(path)) return undefined;
  const large = objectOf(lfs)["oid"];
  if (typeof large === "string" && /^[0-9a-f]{64}$/.test(large)) {
    return { path, bytes: size, hash: { type: "sha256", hex: large } };
  }
  const isGit = typeof oid === "string" && /^[0-9a-f]{40}$/.test(oid);
  return isGit ? { path, bytes: size, hash: { type: "git", hex: oid } } : undefined;
}
