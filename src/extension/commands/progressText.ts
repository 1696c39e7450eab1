import type { Formats } from "../../common/format";
import type { EngineState, GenerationEvent, Progress, TurnFigures } from "../../protocol/service";

/** One line for a progress notification, or nothing where the event says nothing new. */
export function generationText(event: GenerationEvent, formats: Formats): string | undefined {
  switch (event.type) {
    case "waitingModel":
      return event.reason;
    case "queued":
      return `Waiting for ${formats.count(event.neededBlocks)} blocks, ${formats.count(event.turnsAhead)} turns ahead`;
    case "restoring":
      return `Restoring ${formats.count(event.tokens)} tokens`;
    case "prefill":
      return `Reading ${formats.count(event.done)} of ${formats.count(event.total)} tokens`;
    case "thinking":
      return isUncounted(event.figures)
        ? "Thinking"
        : `Thinking: ${formats.count(event.figures.generatedTokens)} tokens`;
    case "text":
      if (isUncounted(event.figures)) return "Answering";
      return `${formats.count(event.figures.generatedTokens)} tokens, ${formats.rate(event.figures.decodeTokensPerSecond)} tok/s`;
    case "call":
      return `Calling ${event.call.name}`;
    case "dropped":
    case "continues":
    case "done":
    case "failed":
      return undefined;
  }
}

/** A server counts at the end. */
function isUncounted({ untold }: TurnFigures): boolean {
  return untold?.includes("generated") === true;
}

export function loadingText(state: EngineState, formats: Formats): string | undefined {
  if (state.type !== "loading") return undefined;
  return state.total > 0
    ? `Loading ${state.model}: ${formats.bytesOf(state.done, state.total)}`
    : `Loading ${state.model}`;
}

/** What a progress notification takes: the message, and by how many percent the bar moves. */
export interface ProgressStep {
  readonly message: string;
  readonly increment: number;
}

/** Turns a long job's own progress into steps of a bar of 100; it never moves back. */
export function progressSteps(): (progress: Progress) => ProgressStep {
  let percent = 0;
  return ({ done, total, message }) => {
    const reached = total > 0 ? Math.min(100, (100 * done) / total) : percent;
    const increment = Math.max(0, reached - percent);
    percent += increment;
    return { message, increment };
  };
}
