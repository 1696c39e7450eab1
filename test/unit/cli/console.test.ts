import assert from "node:assert/strict";
import { reportText } from "../../../src/cli/bench";
import { consoleLog, errorLine, printJson, progressPrinter, table } from "../../../src/cli/console";
import { ResidentError, toErrorInfo } from "../../../src/common/errors";
import { RecordedConsole } from "../../support/cli/recordedConsole";

describe("The console", () => {
  it("tells a failure in one line: code, what happened, what to do", () => {
    const error = new ResidentError("MODEL_CORRUPT", "the header\nis  torn", " import it\tagain ");
    assert.equal(errorLine(error.toInfo()), "MODEL_CORRUPT: the header is torn: import it again");
    assert.equal(errorLine(toErrorInfo(new Error("a\nb"))).split("\n").length, 1);
  });

  it("prints an object as JSON that ends its line", () => {
    const console = new RecordedConsole();
    printJson(console, { a: [1] });
    assert.deepEqual(JSON.parse(console.stdout), { a: [1] });
    assert.ok(console.stdout.endsWith("}\n"));
  });

  it("pads columns to their widest cell and leaves no spaces at the end", () => {
    assert.equal(
      table([
        ["a", "bbb", ""],
        ["cc", "d", "e"],
      ]),
      "a   bbb\ncc  d    e\n",
    );
    assert.equal(table([]), "");
  });

  it("logs warnings and failures, and the rest only when it is asked to", () => {
    const linesOf = (verbose: boolean) => {
      const console = new RecordedConsole();
      const log = consoleLog(console, verbose);
      for (const level of ["debug", "info", "warn", "error"] as const) log.log(level, level);
      assert.equal(console.stdout, "");
      return console.stderr;
    };
    assert.deepEqual(linesOf(false), ["[warn] warn", "[error] error"]);
    assert.deepEqual(linesOf(true), ["[debug] debug", "[info] info", "[warn] warn", "[error] error"]);
  });

  it("tells progress once every tenth and at every new message", function () {
    if (process.stderr.isTTY) this.skip();
    const console = new RecordedConsole();
    const print = progressPrinter(console);
    for (let done = 0; done <= 100; done += 5) print({ done, total: 100, unit: "bytes", message: "reading" });
    print({ done: 100, total: 100, unit: "bytes", message: "checking" });
    print({ done: 0, total: 0, unit: "runs", message: "starting" });
    assert.equal(console.stderr.length, 13);
    assert.deepEqual(
      [console.stderr[0], console.stderr[10], ...console.stderr.slice(11)],
      ["reading 0%", "reading 100%", "checking 100%", "starting 0%"],
    );
  });

  it("shows a benchmark's report as a table with every figure by its name", () => {
    const text = reportText({
      suite: "exp-006",
      at: "2026-01-01T00:00:00Z",
      machine: "a machine",
      rows: [
        { case: "hot", n: 100, p50Ms: 1, p95Ms: 2, p99Ms: 3, bytes: 2048, geometry: "4 × 2", targetMs: 5 },
        { case: "cold", n: 1, p50Ms: 10, p95Ms: 10, p99Ms: 10, share: 1 / 3, identical: true },
      ],
    });
    const [first, head, hot, cold] = text.split("\n");
    assert.equal(first, "exp-006 on a machine");
    assert.match(head ?? "", /^case +p50 +p95 +p99 +bytes +geometry$/);
    assert.match(hot ?? "", /^hot +n 100 .*4 × 2 +targetMs 5$/);
    assert.match(cold ?? "", /^cold +n 1 .*share 0\.333, identical true$/);
  });
});
