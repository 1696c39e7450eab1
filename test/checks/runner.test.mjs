import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { filesAgain, judge, readResults, report, withSecondTry } from "../runner/report.mjs";
import { runCommand } from "../runner/runCommand.mjs";
import { choose, tiers } from "../runner/tiers.mjs";

const ended = { code: 0, signal: null, timedOut: false, durationMs: 1000, limitMs: 60_000 };
const results = { passed: 3, failed: 0, pending: 0, failures: [] };

describe("a tier", () => {
  it("passes with its tests", () => {
    assert.deepEqual(judge("unit", ended, results), { name: "unit", durationMs: 1000, again: [], ...results });
  });

  const failing = {
    "whose process crashed after tests that passed": [{ ...ended, code: null, signal: "SIGSEGV" }, results, /SIGSEGV/],
    "that ended with a bad exit code although every test passed": [{ ...ended, code: 1 }, results, /exit code 1/],
    "that hangs": [{ ...ended, code: null, signal: "SIGKILL", timedOut: true }, results, /limit of 60 s/],
    "that ran no test": [ended, { ...results, passed: 0 }, /ran no test/],
    "whose tests are all skipped": [ended, { ...results, passed: 0, pending: 9 }, /ran no test/],
    "that left no results": [ended, readResults("/nowhere/results.json"), /no results file/],
  };
  for (const [what, [exit, found, reason]] of Object.entries(failing)) {
    it(`${what} fails`, () => {
      const row = judge("unit", exit, found);
      assert.equal(row.failed, 1);
      assert.match(row.failures.at(-1).message, reason);
    });
  }

  it("counts a failed test once, though the exit code is bad too", () => {
    const failures = [{ title: "a", message: "b" }];
    assert.equal(judge("unit", { ...ended, code: 1 }, { ...results, failed: 1, failures }).failed, 1);
  });
});

describe("a second try", () => {
  const failure = { title: "moves", message: "too late", file: "b.js" };
  const first = { passed: 5, failed: 1, pending: 1, failures: [failure], passedIn: { "a.js": 3, "b.js": 2 } };

  it("is made of the files with failed tests alone", () => {
    assert.deepEqual(filesAgain(first), ["b.js"]);
    assert.deepEqual(filesAgain({ ...first, failed: 0, failures: [] }), []);
  });

  const without = {
    "the host has ended": { ...first, problem: "exited with code 1" },
    "a failure is in no file": { ...first, failures: [{ ...failure, file: "" }] },
    "many files fail": { ...first, failures: ["a.js", "b.js", "c.js"].map((file) => ({ ...failure, file })) },
    "there are no results": readResults("/nowhere/results.json"),
  };
  for (const [when, results] of Object.entries(without)) {
    it(`is not made where ${when}`, () => assert.deepEqual(filesAgain(results), []));
  }

  it("counts its files as they end then, and the report tells what failed at first", () => {
    const both = withSecondTry(first, { passed: 3, failed: 0, pending: 0, failures: [] });
    const row = judge("ui", ended, both);
    assert.deepEqual([row.passed, row.failed, row.pending], [6, 0, 1]);
    assert.ok(report([row]).includes("ui: failed at first, then ran again: moves: too late"));
  });

  it("fails where the test fails again", () => {
    const both = withSecondTry(first, { passed: 2, failed: 1, pending: 0, failures: [failure] });
    const row = judge("ui", { ...ended, code: 1 }, both);
    assert.deepEqual([row.passed, row.failed, row.failures.length], [5, 1, 1]);
  });
});

describe("the report", () => {
  it("ends with the sums over all tiers, names failures and counts skipped tests apart", () => {
    const rows = [
      judge("unit", ended, { ...results, pending: 2 }),
      judge(
        "native",
        { ...ended, code: 1 },
        { passed: 1, failed: 1, pending: 0, failures: [{ title: "x", message: "y" }] },
      ),
    ];
    const lines = report(rows).split("\n");
    assert.equal(lines.at(-1), "4 passed, 1 failed");
    assert.ok(lines.includes("native: x: y"));
  });
});

describe("a results file", () => {
  let folder;
  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "resident results "));
  });
  afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

  for (const text of ["", '{"passed": 3', "{}", '{"passed": -1, "failed": 0}', "null"]) {
    it(`with ${JSON.stringify(text)} in it counts nothing and has a problem`, () => {
      const file = path.join(folder, "results.json");
      fs.writeFileSync(file, text);
      const { passed, failed, problem } = readResults(file);
      assert.deepEqual([passed, failed], [0, 0]);
      assert.ok(problem);
    });
  }
});

describe("a command", () => {
  const isAlive = (pid) => {
    try {
      process.kill(pid, 0);
      return !fs.existsSync(`/proc/${pid}/stat`) || !/\) Z /.test(fs.readFileSync(`/proc/${pid}/stat`, "utf8"));
    } catch {
      return false;
    }
  };

  it("that hangs is killed at its limit together with its children", async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "resident hang "));
    const pidFile = path.join(folder, "pid");
    const child = `require("node:fs").writeFileSync(${JSON.stringify(pidFile)}, String(process.pid)); setInterval(() => {}, 1000)`;
    const parent = `require("node:child_process").spawn(process.execPath, ["-e", ${JSON.stringify(child)}]); setInterval(() => {}, 1000)`;
    const exit = await runCommand(["-e", parent], { cwd: folder, env: process.env, limitMs: 1500 });
    const pid = Number(fs.readFileSync(pidFile, "utf8"));
    for (let waited = 0; waited < 3000 && isAlive(pid); waited += 50) await new Promise((done) => setTimeout(done, 50));
    fs.rmSync(folder, { recursive: true });
    assert.equal(exit.timedOut, true);
    assert.ok(!isAlive(pid));
  });

  it("tells its exit code", async () => {
    const exit = await runCommand(["-e", "process.exit(7)"], { cwd: ".", env: process.env, limitMs: 10_000 });
    assert.equal(exit.code, 7);
    assert.equal(exit.timedOut, false);
  });

  it("behind others has the lowest priority, as all that it starts, and keeps what it says", async () => {
    const child = 'console.log("child", os.getPriority())';
    const script = `console.log("it", os.getPriority()); child_process.spawnSync(process.execPath, ["-e", ${JSON.stringify(child)}], { stdio: "inherit" }); process.exit(3)`;
    // The priority is set just after the start.
    const late = `setTimeout(() => { ${script} }, 200)`;
    const exit = await runCommand(["-e", late], { cwd: ".", env: process.env, limitMs: 30_000, behind: true });
    const lowest = os.constants.priority.PRIORITY_LOW;
    assert.deepEqual([exit.code, exit.said], [3, `it ${lowest}\nchild ${lowest}\n`]);
  });
});

describe("the choice of tiers", () => {
  const names = (list) => list.map((tier) => tier.name);

  it("takes all but those on demand, and has what mostly computes stand behind the others", () => {
    const { chosen, front, behind } = choose(tiers, [], []);
    assert.deepEqual(names(chosen), names(tiers.filter((tier) => !tier.onDemand)));
    assert.deepEqual(names(behind), ["mac", "asan", "reference"]);
    assert.equal(front.length + behind.length, chosen.length);
  });

  it("has nothing stand behind where nothing else runs", () => {
    const { front, behind } = choose(tiers, ["asan"], []);
    assert.deepEqual([names(front), behind], [["asan"], []]);
  });

  it("leaves out a tier without files to choose from when a part is asked for", () => {
    assert.deepEqual(names(choose(tiers, ["native", "asan"], ["kernels"]).chosen), ["native"]);
  });
});
