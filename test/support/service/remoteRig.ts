import { setImmediate } from "node:timers/promises";
import { MessageChannel } from "node:worker_threads";
import type { LogLevel } from "../../../src/common/log";
import type { ResidentService } from "../../../src/protocol/service";
import type { ToClient, ToServer } from "../../../src/protocol/wire";
import { createRemoteService } from "../../../src/service/remote/client";
import type { FromClient } from "../../../src/service/remote/pendingCalls";
import { ServiceServer } from "../../../src/service/remote/server";
import { HeldPort } from "./heldPort";

/** A client and a server in one thread; the test decides when messages are delivered. */
export class RemoteRig {
  readonly lines: { readonly level: LogLevel; readonly message: string }[] = [];
  readonly clientEnd: HeldPort<FromClient, readonly ToClient[]>;
  readonly serverEnd: HeldPort<readonly ToClient[], ToServer>;
  readonly client: ResidentService;

  constructor(core: ResidentService) {
    const { port1, port2 } = new MessageChannel();
    this.clientEnd = new HeldPort(port1);
    this.serverEnd = new HeldPort(port2);
    this.client = createRemoteService(this.clientEnd, {
      log: (level, message) => this.lines.push({ level, message }),
    });
    new ServiceServer(this.serverEnd, () => core);
  }

  /** Delivers the client's messages; the server does what it can do at once. */
  async serve(): Promise<void> {
    this.serverEnd.take();
    await setImmediate();
  }

  /** Delivers until no message is left on either side. */
  async settle(): Promise<void> {
    let taken: number;
    do {
      taken = this.serverEnd.take();
      await setImmediate();
      taken += this.clientEnd.take();
      await setImmediate();
    } while (taken > 0);
  }
}
