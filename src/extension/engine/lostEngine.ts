import type { Disposable } from "../../common/disposables";
import type { Failures } from "../commands/failures";
import type { ServiceHandle } from "./serviceHandle";

/** Says once that the engine ended unexpectedly, whichever views are open. */
export function showLostEngine(service: ServiceHandle, failures: Pick<Failures, "show">): Disposable {
  return service.onEvent((event) => {
    if (event.type === "ended") failures.show(event.error);
  });
}
