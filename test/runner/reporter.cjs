/**
 * Mocha's own `spec` on stdout and, in the file that RESIDENT_RESULTS names, what test/run.mjs counts:
 * `{ passed, failed, pending, failures: [{ title, message, file }], passedIn: { file: tests } }`. The file appears last and whole: a process that dies in
 * mid-run leaves no results, and no results are a failure.
 */
const fs = require("node:fs");
const path = require("node:path");
const { reporters } = require("mocha");

class ResultsReporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    this.passedIn = {};
    runner.on("pass", (test) => {
      const file = fileOf(test);
      this.passedIn[file] = (this.passedIn[file] ?? 0) + 1;
    });
    runner.once("end", () => this.write(process.env.RESIDENT_RESULTS));
  }

  write(file) {
    if (!file) return;
    const results = {
      passed: this.stats.passes,
      failed: this.stats.failures,
      pending: this.stats.pending,
      failures: this.failures.map((test) => ({
        title: test.fullTitle(),
        message: String(test.err?.message),
        file: fileOf(test),
      })),
      passedIn: this.passedIn,
    };
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(`${file}.part`, `${JSON.stringify(results, null, 2)}\n`);
    fs.renameSync(`${file}.part`, file);
  }
}

const root = path.dirname(path.dirname(__dirname));

/** The bundle that it is in; a hook has the file of its suite. */
function fileOf(test) {
  for (let at = test; at; at = at.parent) if (at.file) return path.relative(root, at.file);
  return "";
}

module.exports = ResultsReporter;
