import type { AgentEvent } from "../agents/agents";
import type { ServiceEvent } from "../protocol/service";
import type { StoreKeeper } from "./storeKeeper";

/** What the programs and the store hear of agents. */
export function forwardAgentEvents(event: AgentEvent, keeper: StoreKeeper, fire: (event: ServiceEvent) => void): void {
  switch (event.type) {
    case "changed":
      return fire({ type: "agent", id: event.summary.id, summary: event.summary });
    case "deleted":
      keeper.changed();
      return fire({ type: "agent", id: event.id });
    case "turnStarted":
    case "turnEnded":
      return fire({ type: event.type, id: event.id, turn: event.turn });
    case "saved":
      return keeper.saved(event.error);
    case "refused":
      return keeper.cacheRefused(event.refused);
  }
}
