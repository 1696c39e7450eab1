import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { loadAddon } from "../../../src/native/loader";
import { temporaryFolder } from "../../support/models/folders";
import { longRun, NativeRig, stageRoot } from "../../support/native/nativeRig";
import { writeRandomModel } from "../../support/native/randomModel";

const prompt = [3, 14, 15, 9, 26, 5, 35, 8, 9, 7, 9];
const endBlock = longRun(0).endBlock;

/** What a worker does with the addon. It runs this file, too. */
interface Role {
  readonly does: "answers" | "runs for ever" | "locks";
  /** Of the model, or of the lock. */
  readonly path: string;
}

async function play({ does, path: place }: Role, tell: (value: unknown) => void): Promise<void> {
  if (does === "locks") {
    const lock = loadAddon(stageRoot).tryLock(place);
    tell(lock === undefined ? "refused" : "held");
    setInterval(() => lock, 1000); // kept, and never released
    return;
  }
  const rig = await NativeRig.load(place, endBlock);
  if (does === "answers") return tell((await rig.run([{ tokens: prompt, table: [0, 1, 2] }], 8)).ids);
  const { parts, steps } = longRun(0);
  for (;;) await rig.run(parts, steps, () => tell("step"));
}

/** A worker that has said its first word. */
async function begin(role: Role) {
  const worker = new Worker(__filename, { workerData: role });
  const [said]: unknown[] = await once(worker, "message");
  return { worker, said };
}

function describeWorkers(): void {
  describe("The addon in worker threads", () => {
    const folder = temporaryFolder();

    it("computes the same as in this thread, with a model loaded in both, and after other workers", async () => {
      const directory = await writeRandomModel(folder.path);
      const rig = await NativeRig.load(directory);
      const { ids } = await rig.run([{ tokens: prompt, table: [0, 1, 2] }], 8);
      for (let round = 0; round < 2; round++) {
        const { worker, said } = await begin({ does: "answers", path: directory });
        assert.deepEqual(said, ids);
        await worker.terminate();
      }
      await rig.dispose();
    });

    it("lets a worker be terminated in the middle of a run, at any moment, and the next one answers", async () => {
      const directory = await writeRandomModel(folder.path);
      for (let round = 0; round < 12; round++) {
        const { worker } = await begin({ does: "runs for ever", path: directory });
        await pause(round);
        await worker.terminate();
      }
      const { worker, said } = await begin({ does: "answers", path: directory });
      assert.ok(Array.isArray(said) && said.length === 1);
      await worker.terminate();
    });

    it("gives up the locks of a worker that is terminated", async () => {
      const file = path.join(folder.path, "lock");
      const addon = loadAddon(stageRoot);
      const { worker, said } = await begin({ does: "locks", path: file });
      assert.equal(said, "held");
      assert.equal(addon.tryLock(file), undefined);
      await worker.terminate();
      const lock = addon.tryLock(file);
      assert.ok(lock, "the lock outlived its worker");
      lock.release();
    });

    it("lets the process end while a worker computes", async () => {
      const directory = await writeRandomModel(folder.path);
      const child = spawn(process.execPath, [__filename, directory], { stdio: ["ignore", "ignore", "inherit"] });
      assert.deepEqual(await once(child, "exit"), [7, null]);
    });
  });
}

/** The process of the last test: ends while its worker is in the middle of a run. */
async function endUnderRun(directory: string): Promise<void> {
  await begin({ does: "runs for ever", path: directory });
  process.exit(7);
}

const [, file, directory] = process.argv;
if (!isMainThread) void play(workerData, (value) => parentPort?.postMessage(value));
else if (file === __filename && directory !== undefined) void endUnderRun(directory);
else describeWorkers();
