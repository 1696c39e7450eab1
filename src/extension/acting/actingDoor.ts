import type { DelegatingDoor } from "../../acting/ports";
import type { ServiceHandle } from "../engine/serviceHandle";

/** The door for what acts, whichever core is behind it at the moment. */
export function actingDoor(service: Pick<ServiceHandle, "get" | "onEvent">): DelegatingDoor {
  return {
    onEvent: (listener) => service.onEvent(listener),
    getAgent: async (...args) => (await service.get()).getAgent(...args),
    running: async (...args) => (await service.get()).running(...args),
    send: async (...args) => (await service.get()).send(...args),
    sendResults: async (...args) => (await service.get()).sendResults(...args),
    continueAnswer: async (...args) => (await service.get()).continueAnswer(...args),
    regenerate: async (...args) => (await service.get()).regenerate(...args),
    forkAgent: async (...args) => (await service.get()).forkAgent(...args),
    readAheadResults: async (...args) => (await service.get()).readAheadResults(...args),
  };
}
