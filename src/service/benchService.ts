import { randomUUID } from "node:crypto";
import type { BenchService } from "../bench/benchService";
import type { BenchAgents } from "./benchAgents";

/** The service for a benchmark: its own agents, and the engine of `engine`. */
export function benchService(
  { agents, threads }: Pick<BenchAgents, "agents" | "threads">,
  engine: Pick<BenchService, "generate" | "loadModel" | "status" | "unloadModel">,
): BenchService {
  return {
    generate: (request) => engine.generate(request),
    loadModel: (signal) => engine.loadModel(signal),
    unloadModel: () => engine.unloadModel(),
    status: () => engine.status(),
    chat: (request) => threads.start(`bench ${randomUUID()}`, request),
    createAgent: (request) => agents.create(request),
    deleteAgent: (id) => agents.delete(id),
    forkAgent: (id, name, turn, options) => agents.fork(id, name, turn, options),
    getAgent: (id) => agents.get(id),
    regenerate: (id, turn, sampling) => agents.regenerate(id, turn, sampling),
    rewindAgent: (id, turn) => agents.rewind(id, turn),
    saveAgent: (id) => agents.save(id),
    send: (id, request) => agents.send(id, request),
    warmAgent: (id, draft) => agents.warm(id, draft),
  };
}
