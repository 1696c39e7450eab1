import fs from "node:fs";

/** Reads what a command left; a missing or torn file counts as nothing ran. */
export function readResults(file) {
  let results;
  try {
    results = JSON.parse(fs.readFileSync(file, "utf8"));
  } catch (error) {
    return { passed: 0, failed: 0, pending: 0, problem: error.code === "ENOENT" ? "no results file" : error.message };
  }
  const { passed, failed, pending = 0 } = results ?? {};
  const counts = [passed, failed, pending];
  if (!counts.every((count) => Number.isInteger(count) && count >= 0)) {
    return { passed: 0, failed: 0, pending: 0, problem: "the results file has no counts" };
  }
  const { failures = [], passedIn = {}, again = [] } = results;
  return { passed, failed, pending, failures, passedIn, again };
}

/** More files than these fail for a reason that is still there. */
const mostFilesAgain = 2;

/** The files to run once more: those with failed tests. None where all is well, or something has failed that is no test. */
export function filesAgain({ failures = [], problem }) {
  const files = [...new Set(failures.map(({ file }) => file))];
  return problem === undefined && files.length <= mostFilesAgain && files.every((file) => file) ? files : [];
}

/** Results of a tier of which `filesAgain` ran once more: these files count as they ended then, and what failed at first is told. */
export function withSecondTry(first, second) {
  const files = filesAgain(first);
  const others = Object.entries(first.passedIn).filter(([file]) => !files.includes(file));
  const passed = others.reduce((sum, [, tests]) => sum + tests, second.passed);
  return { ...second, passed, pending: first.pending, again: first.failures };
}

/**
 * What a command's end and its results mean together. A problem that is not a failed test (a crash, a hang, nothing
 * ran) counts as one failure, so that it cannot hide behind tests that passed.
 */
export function judge(name, exit, results) {
  const problem =
    (exit.timedOut && `still running after its limit of ${Math.round(exit.limitMs / 1000)} s`) ||
    results.problem ||
    (results.passed + results.failed === 0 && "ran no test") ||
    (exit.code !== 0 && results.failed === 0 && `ended with ${exit.signal ?? `exit code ${exit.code}`}`) ||
    undefined;
  const { passed, failed, pending, failures = [], again = [] } = results;
  return {
    name,
    passed,
    failed: failed + (problem === undefined ? 0 : 1),
    pending,
    failures: problem === undefined ? failures : [...failures, { title: name, message: problem }],
    again,
    durationMs: exit.durationMs,
  };
}

/** A row for each command, then every failure by name, then the one line that scripts read. */
export function report(rows) {
  const width = Math.max(4, ...rows.map((row) => row.name.length));
  const line = (name, passed, failed, skipped, time) =>
    `${name.padEnd(width)}  ${passed.padStart(6)}  ${failed.padStart(6)}  ${skipped.padStart(7)}  ${time.padStart(8)}`;
  const lines = ["", line("tier", "passed", "failed", "skipped", "seconds")];
  for (const row of rows) {
    const seconds = (row.durationMs / 1000).toFixed(1);
    lines.push(line(row.name, `${row.passed}`, `${row.failed}`, `${row.pending}`, seconds));
  }
  const told = (key, words) =>
    rows.flatMap((row) =>
      row[key].map(({ title, message }) => `${row.name}: ${words}${title}: ${message.trim().split("\n")[0]}`),
    );
  const failures = [...told("again", "failed at first, then ran again: "), ...told("failures", "")];
  if (failures.length > 0) lines.push("", ...failures);
  const sum = (key) => rows.reduce((total, row) => total + row[key], 0);
  lines.push("", `${sum("passed")} passed, ${sum("failed")} failed`);
  return lines.join("\n");
}
