import { isMainThread, MessageChannel, type MessagePort, parentPort, Worker, workerData } from "node:worker_threads";
import { silentLog } from "../../../../src/common/log";
import type { ResidentService, ServiceEvent, ServiceOptions } from "../../../../src/protocol/service";
import { createLocalService } from "../../../../src/service/localService";
import { createRemoteService } from "../../../../src/service/remote/client";
import { messagePort } from "../../../../src/service/remote/messagePort";
import { ServiceServer } from "../../../../src/service/remote/server";
import { workerPort } from "../../../../src/service/remote/workerPort";
import { FakeRuntime } from "../../../support/agents/fakeRuntime";
import { describeDoor, type InService } from "../../../support/service/doorContract";
import { optionsFor, writeFakeModels } from "../../../support/service/serviceOptions";
import { inFolder } from "../../../support/store/fakes";

type Start = (options: ServiceOptions) => ResidentService;

function serve(port: MessagePort, options: ServiceOptions): void {
  new ServiceServer(messagePort(port), (log) => createLocalService(options, new FakeRuntime(), log));
}

const inThisThread: Start = (options) => createLocalService(options, new FakeRuntime(), silentLog);

const behindAChannel: Start = (options) => {
  const { port1, port2 } = new MessageChannel();
  serve(port1, options);
  return createRemoteService(messagePort(port2), silentLog);
};

/** This file is what the worker runs, too. */
const inAWorker: Start = (options) =>
  createRemoteService(workerPort(new Worker(__filename, { workerData: options })), silentLog);

function serviceOf(start: Start): InService {
  return (body, change) =>
    inFolder(async (folder) => {
      await writeFakeModels(folder);
      const service = start(optionsFor(folder, change));
      const events: ServiceEvent[] = [];
      service.onEvent((event) => events.push(event));
      try {
        await body({ folder, service, events });
      } finally {
        await service.dispose();
      }
    });
}

if (isMainThread) {
  describeDoor("in this thread", serviceOf(inThisThread));
  describeDoor("behind a channel", serviceOf(behindAChannel));
  describeDoor("in a worker thread", serviceOf(inAWorker));
} else if (parentPort !== null) {
  serve(parentPort, workerData);
}
