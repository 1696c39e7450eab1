import os from "node:os";

/** Memory of this machine, or of the container that this process is confined to. */
export function machineMemoryBytes(): number {
  const physical = os.totalmem();
  // Absent before Node 19.6; 0 or larger than the machine where there is no limit.
  const limit: unknown = Reflect.get(process, "constrainedMemory")?.call(process);
  return typeof limit === "number" && limit > 0 ? Math.min(physical, limit) : physical;
}
