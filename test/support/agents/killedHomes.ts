import { cp } from "node:fs/promises";
import path from "node:path";
import type { AgentRig } from "./agentRig";

/**
 * Copies the home `live` of a rig to folders of `home` before each write from now on: each is what a process that was killed at
 * that moment would leave. The list grows while the rig works.
 */
export function killedHomes(rig: Pick<AgentRig, "disk">, home: string, live: string): readonly string[] {
  const snapshots: string[] = [];
  let copying = Promise.resolve();
  rig.disk.beforeWrite = () => {
    copying = copying.then(async () => {
      const snapshot = path.join(home, `killed ${snapshots.length}`);
      await cp(live, snapshot, { recursive: true });
      snapshots.push(snapshot);
    });
    return copying;
  };
  return snapshots;
}
