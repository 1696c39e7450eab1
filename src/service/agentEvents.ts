import type { AgentEvent } from "../agents/agentWorld";
import type { ServiceEvent } from "../protocol/service";
import type { StoreKeeper } from "./storeKeeper";

/** Forwards events of agents to the programs and the store. */
export function forwardAgentEvents(event: AgentEvent, keeper: StoreKeeper, fire: (event: ServiceEvent) => void): void {
  switch (event.type) {
    case "changed":
      fire({ type: "agent", id: event.summary.id, summary: event.summary });
      break;
    case "deleted":
      keeper.changed();
      fire({ type: "agent", id: event.id });
      break;
    case "turnStarted":
    case "turnEnded":
      fire({ type: event.type, id: event.id, turn: event.turn });
      break;
    case "saved":
      keeper.saved(event.error);
      break;
    case "refused":
      keeper.cacheRefused(event.refused);
      break;
  }
}
