import { readFileSync } from "node:fs";
import * as tls from "node:tls";

/**
 * Authorities that the hub's and a proxy's certificates may come from: Node's, the system's where Node can read them, and
 * those in the file that NODE_EXTRA_CA_CERTS names. Electron ignores that variable, and VS Code's own certificates do
 * not reach the thread of the core.
 */
export function certificateAuthorities(environment: Readonly<Record<string, string | undefined>>): readonly string[] {
  return [...tls.rootCertificates, ...systemCertificates(), ...extraCertificates(environment["NODE_EXTRA_CA_CERTS"])];
}

/** Since Node 22.15. */
function systemCertificates(): readonly string[] {
  const read: unknown = Reflect.get(tls, "getCACertificates");
  if (typeof read !== "function") return [];
  const found: unknown = read("system");
  return Array.isArray(found) ? found.filter((entry) => typeof entry === "string") : [];
}

/** As Node does, a file that cannot be read is no failure: the connection says which certificate is missing. */
function extraCertificates(file: string | undefined): readonly string[] {
  if (file === undefined || file === "") return [];
  try {
    return [readFileSync(file, "utf8")];
  } catch {
    return [];
  }
}
