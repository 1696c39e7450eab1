import { type ErrorFacts, ResidentError, toErrorInfo } from "../../common/errors";
import { retryAfterMs } from "../../net/waits";

/** A failure of the hub or of the way to it. `transient`: the same request may succeed a little later. */
export function hubFailure(what: string, advice: string, facts: ErrorFacts = {}, cause?: unknown): ResidentError {
  return new ResidentError("HUB_FAILURE", what, advice, facts, cause);
}

/** One that is worth another try. `retryAfterMs`: the server said how long to wait. */
export function transientFailure(what: string, facts: ErrorFacts = {}, cause?: unknown): ResidentError {
  return hubFailure(what, "check the network and get the model again", { ...facts, transient: true }, cause);
}

export function isTransient(error: unknown): boolean {
  const { code, facts } = toErrorInfo(error);
  return code === "HUB_FAILURE" && facts["transient"] === true;
}

export interface Answer {
  readonly status: number;
  /** Header by its name in lower case. */
  readonly header: (name: string) => string | undefined;
  readonly url: string;
}

/** The error for an answer of status 400 and above. `host` and the status are all that it tells of the address. */
export function statusError({ status, header, url }: Answer, isHub: boolean): ResidentError {
  const { host, pathname } = new URL(url);
  const code = header("x-error-code") ?? "";
  const facts = { status, host };
  const named = modelIn(pathname);
  const what = named === "" ? "this" : named;
  if (code === "GatedRepo" || (status === 403 && isHub)) return denied(what, url, facts);
  if (code === "RevisionNotFound")
    return notThere(`${what} has no such revision`, "look at its page for its branches", facts);
  if (code === "EntryNotFound") return notThere(`${what} has no such file any more`, "get the model again", facts);
  if (code === "RepoNotFound" || (isHub && (status === 401 || status === 404))) {
    return notThere(
      `there is no model ${what} on ${host}, or it is private`,
      "check the name; a private model needs your token",
      facts,
    );
  }
  if (status === 407) {
    const advice = "write name and password into the proxy's address: http://NAME:PASSWORD@HOST:PORT";
    return hubFailure(`the proxy on the way to ${host} wants a login`, advice, facts);
  }
  if (status === 429) {
    const waitMs = retryAfterMs(header("retry-after"));
    return transientFailure(`${host} takes no more requests for now`, {
      ...facts,
      ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }),
    });
  }
  if (status === 408 || status >= 500) return transientFailure(`${host} answers with an error (${status})`, facts);
  return hubFailure(`${host} refuses the request (${status})`, "try again later, or check the hub's address", facts);
}

function denied(what: string, url: string, facts: ErrorFacts): ResidentError {
  const page = `${new URL(url).origin}/${what}`;
  return new ResidentError(
    "HUB_DENIED",
    `${what} is only for people who have accepted its conditions`,
    `accept them at ${page}, make a token on the hub, and give it to Resident (Set Hub Token, or the variable HF_TOKEN)`,
    { ...facts, page },
  );
}

function notThere(what: string, advice: string, facts: ErrorFacts): ResidentError {
  return new ResidentError("MODEL_NOT_FOUND", what, advice, facts);
}

/** `ORG/NAME` in the path of a request; "" where there is none. */
function modelIn(path: string): string {
  const [, name = ""] = /^\/(?:api\/models\/)?([^/]+\/[^/]+)\//.exec(`${path}/`) ?? [];
  return name;
}
