import { noServers } from "../agents/serverPort";
import { toErrorInfo } from "../common/errors";
import { HomeAgents, type HomeAgentsPorts } from "./homeAgents";

export type BenchAgentsPorts = Omit<HomeAgentsPorts, "servers" | "collectIfDue" | "fire">;

/** Agents of a benchmark and its conversations as another program, in a home of their own: no program sees them. */
export class BenchAgents extends HomeAgents {
  constructor(
    folder: string,
    private readonly ports: BenchAgentsPorts,
  ) {
    // The store is kept within its quota here too, so that a save costs as much as a save of the user's agents.
    super(folder, { ...ports, servers: noServers, collectIfDue: async () => {}, fire: () => {} });
  }

  /** Ends answers and releases all blocks without saving them. The folder is not used any more. Never rejects. */
  async dispose(): Promise<void> {
    const parts = [
      () => this.agents.deleteAll(),
      () => this.threads.forget(),
      () => this.agents.close(),
      () => this.threads.close(),
      () => this.keeper.close(),
    ];
    for (const part of parts) {
      try {
        await part();
      } catch (error) {
        this.ports.log.log("warn", `agents of a benchmark did not end cleanly: ${toErrorInfo(error).what}`);
      }
    }
  }
}
