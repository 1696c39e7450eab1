import * as os from "node:os";

/** What the figures were measured on, in one line: processor, cores, memory, system, Node. */
export function describeMachine(): string {
  const cpus = os.cpus();
  const name = cpus[0]?.model.replace(/\s+/g, " ").trim() ?? "unknown processor";
  const memoryGb = Math.round(os.totalmem() / 1024 ** 3);
  return `${name}, ${cpus.length} cores, ${memoryGb} GB, ${os.platform()}-${os.arch()} ${os.release()}, Node ${process.versions.node}`;
}
