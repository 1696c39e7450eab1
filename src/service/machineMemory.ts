import os from "node:os";

/** Memory of this machine, or of the container that this process is confined to. */
export function machineMemoryBytes(): number {
  const physical = os.totalmem();
  // Absent before Node 19.6; 0 or larger than the machine where there is no limit.
  const limit: unknown = Reflect.get(process, "constrainedMemory")?.call(process);
  return typeof limit === "number" && limit > 0 ? Math.min(physical, limit) : physical;
}

/**
 * Memory that is free, in about, without the addon, which counts it exactly. On a Mac, where Node counts as free only
 * pages that hold nothing, half of the machine's.
 */
export function freeMemoryBytes(): number {
  const machine = machineMemoryBytes();
  if (process.platform === "darwin") return machine / 2;
  // Absent before Node 20.13. A container's limit counts.
  const available: unknown = Reflect.get(process, "availableMemory")?.call(process);
  return Math.min(machine, typeof available === "number" && available > 0 ? available : os.freemem());
}
