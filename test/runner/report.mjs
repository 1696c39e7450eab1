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
  return { passed, failed, pending, failures: results.failures ?? [] };
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
  const { passed, failed, pending, failures = [] } = results;
  return {
    name,
    passed,
    failed: failed + (problem === undefined ? 0 : 1),
    pending,
    failures: problem === undefined ? failures : [...failures, { title: name, message: problem }],
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
  const failures = rows.flatMap((row) => row.failures.map((failure) => ({ tier: row.name, ...failure })));
  if (failures.length > 0) lines.push("");
  for (const { tier, title, message } of failures) lines.push(`${tier}: ${title}: ${message.trim().split("\n")[0]}`);
  const sum = (key) => rows.reduce((total, row) => total + row[key], 0);
  lines.push("", `${sum("passed")} passed, ${sum("failed")} failed`);
  return lines.join("\n");
}
