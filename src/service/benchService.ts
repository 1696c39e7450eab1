import type { Agents } from "../agents/agents";
import type { BenchService } from "../bench/benchService";

/** The service for a benchmark: its own agents, and the engine of `engine`. */
export function benchService(
  agents: Agents,
  engine: Pick<BenchService, "generate" | "loadModel" | "status" | "unloadModel">,
): BenchService {
  return {
    generate: (request) => engine.generate(request),
    loadModel: (signal) => engine.loadModel(signal),
    unloadModel: () => engine.unloadModel(),
    status: () => engine.status(),
    createAgent: (request) => agents.create(request),
    deleteAgent: (id) => agents.delete(id),
    forkAgent: (id, name, turn) => agents.fork(id, name, turn),
    getAgent: (id) => agents.get(id),
    regenerate: (id, turn, sampling) => agents.regenerate(id, turn, sampling),
    rewindAgent: (id, turn) => agents.rewind(id, turn),
    saveAgent: (id) => agents.save(id),
    send: (id, request) => agents.send(id, request),
    warmAgent: (id, draft) => agents.warm(id, draft),
  };
}
