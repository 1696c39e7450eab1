import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import { Emitter } from "../../../src/common/events";
import type { Port } from "../../../src/service/remote/port";

/** One end of a channel that delivers messages only when the test says so. */
export class HeldPort<Out, In> implements Port<Out, In> {
  private readonly messages = new Emitter<In>();
  private readonly closes = new Emitter<string>();
  closed = false;

  constructor(private readonly port: MessagePort) {}

  post(message: Out): void {
    this.port.postMessage(message);
  }

  get onMessage() {
    return this.messages.event;
  }

  get onClose() {
    return this.closes.event;
  }

  async close(): Promise<void> {
    this.closed = true;
    this.port.close();
  }

  /** Delivers the waiting messages and returns their number. */
  take(): number {
    let taken = 0;
    for (let next = receiveMessageOnPort(this.port); next !== undefined; next = receiveMessageOnPort(this.port)) {
      taken += 1;
      this.messages.fire(next.message);
    }
    return taken;
  }

  /** The other end is gone. */
  lose(reason: string): void {
    this.closes.fire(reason);
  }
}
