import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Suite } from "../../../src/bench/suite";
import type { BenchRow, BenchSuite, Progress } from "../../../src/protocol/service";
import { BenchDesk } from "../../../src/service/benchDesk";
import { FakeService } from "../../support/extension/fakeService";
import { inFolder } from "../../support/store/fakes";

const row: BenchRow = { case: "decode", n: 3, p50Ms: 1.5, p95Ms: 2, p99Ms: 2, tokensPerSecond: 11 };

function deskIn(folder: string, suites: Readonly<Partial<Record<BenchSuite, Suite>>>) {
  const told: (readonly [BenchSuite, Progress | undefined])[] = [];
  const desk = new BenchDesk(
    folder,
    () => Object.fromEntries(Object.entries(suites).map(([name, suite]) => [name, () => suite])),
    { run: (_suite, _signal, _onBusy, measure) => measure({ service: new FakeService(), scratch: folder }) },
    (suite, progress) => told.push([suite, progress]),
  );
  return { desk, told };
}

describe("bench desk", () => {
  it("keeps reports and gives them back newest first, leaving out what is none", () =>
    inFolder(async (folder) => {
      const { desk, told } = deskIn(folder, { resume: async () => [row], throughput: async () => [] });
      const first = await desk.run("resume", () => {});
      assert.deepEqual(first.rows, [row]);
      await new Promise((resolve) => setTimeout(resolve, 2));
      const second = await desk.run("throughput", () => {});
      await writeFile(path.join(folder, "0000.json"), "{ no report");
      assert.deepEqual(await deskIn(folder, {}).desk.reports(), [second, first]);
      assert.deepEqual(told.at(-1), ["throughput", undefined]);
    }));

  it("reads each report once, and one that was incomplete again", () =>
    inFolder(async (folder) => {
      const { desk } = deskIn(folder, { resume: async () => [row] });
      const kept = await desk.run("resume", () => {});
      const late = path.join(folder, "9999.json");
      await writeFile(late, "{ half of");
      const [first] = await desk.reports();
      assert.deepEqual(first, kept);
      await writeFile(late, JSON.stringify({ ...kept, suite: "engine" }));
      const [engine, again] = await desk.reports();
      assert.deepEqual(engine, { ...kept, suite: "engine" });
      assert.equal(again, first);
      await rm(late);
      assert.deepEqual(await desk.reports(), [kept]);
    }));

  it("gives back the newest of a suite, however many of another were run since", () =>
    inFolder(async (folder) => {
      const { desk } = deskIn(folder, { soak: async () => [row] });
      const rare = await desk.run("soak", () => {});
      for (let i = 0; i < 40; i += 1) {
        const at = `2999-01-01T00:00:${String(i).padStart(2, "0")}.000Z`;
        const name = `${at.replaceAll(":", "-")}-resume.json`;
        await writeFile(path.join(folder, name), JSON.stringify({ ...rare, suite: "resume", at }));
      }
      const reports = await desk.reports();
      assert.deepEqual(reports.at(-1), rare);
      assert.equal(reports.length, 33);
    }));

  it("runs one suite at a time, and is free again after one that fails", () =>
    inFolder(async (folder) => {
      let fail: (error: Error) => void = () => {};
      const suite = () =>
        new Promise<readonly BenchRow[]>((_, reject) => {
          fail = reject;
        });
      const { desk } = deskIn(folder, { resume: suite });
      const running = desk.run("resume", () => {});
      assert.equal(desk.running?.suite, "resume");
      await assert.rejects(
        desk.run("resume", () => {}),
        { code: "INVALID_REQUEST" },
      );
      fail(new Error("broken"));
      await assert.rejects(running, /broken/);
      assert.equal(desk.running, undefined);
      assert.deepEqual(await desk.reports(), []);
    }));
});
