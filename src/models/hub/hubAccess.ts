import { HUB_URL } from "@huggingface/hub";
import { InvalidRequestError } from "../../common/errors";
import type { HubAccess } from "../../protocol/service";

/** How the hub is reached, checked. */
export interface HubEndpoint {
  /** Without a slash at the end. */
  readonly url: string;
  readonly token?: string;
  /** For all hosts, in place of the one in the environment. */
  readonly proxy?: string;
}

/** A missing value comes from the environment, as with the hub's own programs: HF_ENDPOINT and HF_TOKEN. */
export function hubEndpoint(access: HubAccess, environment: Readonly<Record<string, string | undefined>>): HubEndpoint {
  const url = said(access.endpoint) ?? said(environment["HF_ENDPOINT"]) ?? HUB_URL;
  const token = said(access.token) ?? said(environment["HF_TOKEN"]);
  const proxy = said(access.proxy);
  return {
    url: checkedUrl(url, "the hub's address"),
    ...(token === undefined ? {} : { token: checkedToken(token) }),
    ...(proxy === undefined ? {} : { proxy: checkedUrl(proxy, "the proxy's address") }),
  };
}

function said(text: string | undefined): string | undefined {
  const trimmed = text?.trim() ?? "";
  return trimmed === "" ? undefined : trimmed;
}

function checkedUrl(text: string, what: string): string {
  const url = parsedUrl(text);
  if (url?.protocol === "https:" || url?.protocol === "http:") return text.replace(/\/+$/, "");
  throw new InvalidRequestError(`${what} is not an http or https address`, "write it as https://HOST", {});
}

function parsedUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}

/** It becomes part of a header. The message does not repeat it: it is a secret. */
function checkedToken(token: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new InvalidRequestError("the hub's token has characters that no token has", "copy it again from the hub");
}
