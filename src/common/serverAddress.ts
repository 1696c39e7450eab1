import { InvalidRequestError } from "./errors";

/** The address of a server with an OpenAI-compatible chat endpoint, in one form for all ways to write it. */
export interface ServerAddress {
  /** What stands before `/chat/completions`, without a slash at the end: `http://127.0.0.1:8080/v1`. */
  readonly url: string;
  /** For people: `127.0.0.1:8080`. */
  readonly host: string;
}

const longestAddress = 2_000;
const example = "write it as http://HOST:PORT or https://HOST/v1";

/**
 * Reads what a person writes: with or without `http://`, `/v1` and the endpoint's own path. Without a scheme it is http
 * on this machine and https elsewhere. Throws INVALID_REQUEST, whose words never repeat a password.
 */
export function parseServerAddress(text: string): ServerAddress {
  const url = text.length > longestAddress ? undefined : parsedUrl(withScheme(text.trim()));
  if (url === undefined || url.hostname === "") throw new InvalidRequestError("this is no server's address", example);
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new InvalidRequestError(`a server's address begins with http or https, not ${url.protocol}`, example);
  }
  if (url.username !== "" || url.password !== "") {
    throw new InvalidRequestError("the address has a name or a password in it", "give the key apart from the address");
  }
  if (url.search !== "" || url.hash !== "") {
    throw new InvalidRequestError("the address has a ? or a # in it", `${example}, without what follows`);
  }
  const hostname = anyAddresses.get(url.hostname);
  if (hostname !== undefined) url.hostname = hostname;
  return { url: url.origin + basePath(url.pathname), host: url.host };
}

/** Text for this server leaves the machine. */
export function isBeyondLoopback(address: string): boolean {
  return !isLoopbackHost(new URL(address).hostname);
}

/** Text and key for this server leave the machine and can be read on the way. */
export function isPlainBeyondLoopback(address: string): boolean {
  return new URL(address).protocol === "http:" && isBeyondLoopback(address);
}

/** `hostname` as a URL has it. */
export function isLoopbackHost(hostname: string): boolean {
  return (
    hostname === "localhost" ||
    hostname === "[::1]" ||
    /^127\.\d+\.\d+\.\d+$/.test(hostname) ||
    /^\[::ffff:7f[0-9a-f]{2}:[0-9a-f]{1,4}\]$/.test(hostname)
  );
}

/** Servers print these addresses for "every network of this machine". To connect to one means this machine. */
const anyAddresses: ReadonlyMap<string, string> = new Map([
  ["0.0.0.0", "127.0.0.1"],
  ["[::]", "[::1]"],
]);

function withScheme(text: string): string {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return text;
  const { hostname = "" } = parsedUrl(`http://${text}`) ?? {};
  return isLoopbackHost(hostname) || anyAddresses.has(hostname) ? `http://${text}` : `https://${text}`;
}

function basePath(path: string): string {
  const base = path.replace(/\/+$/, "").replace(/\/(chat\/completions|completions|models)$/, "");
  return base === "" ? "/v1" : base;
}

function parsedUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}
