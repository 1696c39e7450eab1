import type { ModelAccess } from "../agents/ports";
import type { Servers } from "../agents/serverPort";
import type { Clock } from "../engine/ports";
import type { GenerateRequest, Running, SamplingOptions } from "../protocol/service";
import { startGeneration } from "./generateTask";
import { startServerGeneration } from "./serverGeneration";

export interface GenerationsPorts {
  readonly servers: Servers;
  readonly clock: Clock;
  readonly defaultModel: () => string;
  /** The user's settings for answers at the moment. */
  readonly sampling: () => SamplingOptions;
}

/** Answers to single prompts, without an agent. */
export class Generations {
  private readonly running = new Set<Running>();
  private started = 0;

  constructor(private readonly ports: GenerationsPorts) {}

  /** An id for an answer that belongs to no agent. */
  newId(): string {
    this.started += 1;
    return `g${this.started}`;
  }

  start(request: GenerateRequest, models: ModelAccess): Running {
    const { servers, clock, defaultModel, sampling } = this.ports;
    const settings = sampling();
    const running =
      request.server === undefined
        ? startGeneration(this.newId(), request, { models, clock, modelDirectory: defaultModel(), settings })
        : startServerGeneration(this.newId(), request.server, request, { servers, clock, settings });
    this.running.add(running);
    const forget = () => this.running.delete(running);
    running.done.then(forget, forget);
    return running;
  }

  /** Stops all. Resolves when they are over. */
  async end(): Promise<void> {
    for (const running of this.running) running.abort();
    await Promise.allSettled([...this.running].map(({ done }) => done));
  }
}
