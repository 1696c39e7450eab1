import assert from "node:assert/strict";
import { exportName, exportText } from "../../../src/extension/status/benchExport";
import { benchLook } from "../../../src/extension/status/benchLook";
import { LogLines } from "../../../src/extension/window/logLines";
import { settingsEditor } from "../../../src/extension/window/openSettings";
import type { BenchReport } from "../../../src/protocol/service";

const report: BenchReport = {
  suite: "soak",
  at: "2026-03-04T05:06:07.000Z",
  machine: "a machine",
  rows: [{ case: "750 turns", n: 750, p50Ms: 400, p95Ms: 900, p99Ms: 1200 }],
};

describe("a running benchmark in the status bar", () => {
  it("says how far it is, and whether answers wait", () => {
    assert.equal(benchLook("exp-006", 0.404, "4 × 24").text, "$(beaker) EXP-006 40%");
    assert.match(benchLook("exp-006", 0.4, "4 × 24").tooltip, /4 × 24\. Answers wait until it has ended\./);
    assert.match(benchLook("soak", 1.2, "turns").text, / 100%$/);
  });
});

describe("exported results", () => {
  it("are all figures as JSON, or Markdown where the file's name says so", () => {
    assert.deepEqual(JSON.parse(exportText("/a/b.json", [report], "en")), { reports: [report] });
    assert.match(exportText("/a/B.MD", [report], "en"), /^# Benchmarks\n\n\*\*Soak\.\*\* 2026-03-04, a machine:/);
    assert.equal(exportName(new Date(report.at)), "resident-benchmarks-2026-03-04.json");
  });
});

describe("the settings editor", () => {
  it("is the one that shows the settings of the machine: under Remote where there is one", () => {
    const all = "@ext:resident.resident";
    assert.deepEqual(settingsEditor("resident.resident", false), {
      command: "workbench.action.openSettings",
      query: all,
    });
    assert.deepEqual(settingsEditor("resident.resident", true, "resident.store.quotaGB"), {
      command: "workbench.action.openRemoteSettings",
      query: `${all} @id:resident.store.quotaGB`,
    });
  });
});

describe("the log's lines in memory", () => {
  it("are the newest, with time and level", () => {
    const lines = new LogLines(3, () => new Date("2026-03-04T05:06:07.008Z"));
    for (let i = 1; i <= 20; i += 1) lines.add("info", `line ${i}`);
    assert.equal(lines.text(), ["18", "19", "20"].map((i) => `2026-03-04 05:06:07.008 [info] line ${i}\n`).join(""));
  });
});
