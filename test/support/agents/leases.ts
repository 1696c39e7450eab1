import type { ModelLease, ModelSession } from "../../../src/agents/ports";

/** Leases of one session, and how many of them were not released. */
export class Leases {
  held = 0;

  take(session: ModelSession): ModelLease {
    this.held += 1;
    return {
      session,
      release: () => {
        this.held -= 1;
      },
    };
  }
}
