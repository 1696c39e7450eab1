import { type ErrorFacts, ResidentError } from "../common/errors";

/**
 * Why a server gave no answer, or not all of it. "reset", "busy" and "unavailable" may pass by themselves: such a
 * request is sent again as long as nothing of the answer has come.
 */
export type FailureReason =
  | "refused"
  | "unknownHost"
  | "unreachable"
  | "certificate"
  | "notTls"
  | "reset"
  | "busy"
  | "unavailable"
  | "serverError"
  | "redirect"
  | "proxyLogin"
  | "notAStream"
  | "badData"
  | "tooLarge"
  | "broken"
  | "silent"
  | "stopped";

const passing: readonly FailureReason[] = ["reset", "busy", "unavailable"];

/** A failure of the server or of the way to it. `facts.reason` is its reason. */
export class ServerFailure extends ResidentError {
  constructor(
    readonly reason: FailureReason,
    what: string,
    advice: string,
    facts: ErrorFacts = {},
    cause?: unknown,
  ) {
    super("SERVER_FAILURE", what, advice, { ...facts, reason }, cause);
  }

  get mayPass(): boolean {
    return passing.includes(this.reason);
  }

  /** How long the server asked to wait. */
  get waitMs(): number | undefined {
    const { retryAfterMs } = this.facts;
    return typeof retryAfterMs === "number" ? retryAfterMs : undefined;
  }
}

/** The server understood the request and refuses it: the same request will be refused again. */
export function refusal(what: string, advice: string, facts: ErrorFacts): ResidentError {
  return new ResidentError("SERVER_REFUSED", what, advice, facts);
}

const tryAgain = "try again; if it stays so, look at the server's own log";

/** Any error of a connection; one of ours is returned as it is. */
export function connectionFailure(error: unknown, host: string): unknown {
  if (!(error instanceof Error) || error instanceof ResidentError) return error;
  const code = "code" in error ? String(error.code) : "";
  const facts = { host, code };
  const fail = (reason: FailureReason, what: string, advice: string) =>
    new ServerFailure(reason, what, advice, facts, error);
  if (code === "ECONNREFUSED") {
    return fail("refused", `no server listens at ${host}`, "start the server, or check the address and its port");
  }
  if (/^(ENOTFOUND|EAI_|ENODATA)/.test(code)) {
    return fail("unknownHost", `the name ${host} is not known`, "check the address and the network");
  }
  if (/wrong version number|packet length too long|http request/i.test(error.message)) {
    return fail("notTls", `${host} does not speak https`, `write its address with http://${host}`);
  }
  if (/CERT|SIGNATURE|SSL|TLS|EPROTO/.test(code)) {
    return fail(
      "certificate",
      `the certificate of ${host} is not trusted (${code})`,
      "name the file of its certificate, or of its authority, in NODE_EXTRA_CA_CERTS",
    );
  }
  if (code === "HPE_HEADER_OVERFLOW") {
    return fail("tooLarge", `the headers of ${host}'s answer are too long`, "check the address");
  }
  if (code.startsWith("HPE_")) {
    return fail("badData", `what answers at ${host} does not speak HTTP (${code})`, "check the address and its port");
  }
  if (/^(ECONNRESET|EPIPE|ECONNABORTED)$/.test(code) || /socket hang up|aborted/.test(error.message)) {
    return fail("reset", `${host} ended the connection`, tryAgain);
  }
  if (code === "") return error;
  return fail("unreachable", `${host} cannot be reached (${code})`, "check the address and the network");
}

/** Control characters of a server must not reach a terminal; only its first words are of use. */
export function shortWords(text: string, longest = 300): string {
  const line = text
    .slice(0, 4 * longest)
    .replace(/[\p{Cc}\p{Cf}\s]+/gu, " ")
    .trim();
  return line.length <= longest ? line.replace(/\.$/, "") : `${line.slice(0, longest - 1)}…`;
}
