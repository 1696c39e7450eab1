import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { beginMarker, betweenMarkers, endMarker } from "../../../src/cli/benchMarkers";
import { runProgram } from "../../../src/cli/program";
import type { BenchReport } from "../../../src/protocol/service";
import { RecordedConsole } from "../../support/cli/recordedConsole";
import { inFolder } from "../../support/store/fakes";

const report: BenchReport = {
  suite: "resume",
  at: "2026-03-04T05:06:07.000Z",
  machine: "a machine, 2 cores",
  rows: [{ case: "hot, 512 tokens", n: 3, p50Ms: 45, p95Ms: 47, p99Ms: 47, tier: "hot", contextTokens: 512 }],
};

/** A home in which `kept` was measured, and a program that uses it. */
function withResults(
  body: (run: (...words: readonly string[]) => Promise<RecordedConsole>, home: string) => Promise<void>,
) {
  return inFolder(async (home) => {
    await mkdir(path.join(home, "bench"));
    await writeFile(path.join(home, "bench", "2026-03-04T05-06-07.000Z-resume.json"), JSON.stringify(report));
    const run = async (...words: readonly string[]) => {
      const console = new RecordedConsole();
      await runProgram(["bench", "report", "--home", home, ...words], console);
      return console;
    };
    await body(run, home);
  });
}

describe("bench report", () => {
  it("prints what was kept as Markdown, with date and machine", () =>
    withResults(async (run) => {
      const { stdout } = await run();
      assert.match(stdout, /^\*\*Resume at 512 tokens, TTFT\.\*\* 2026-03-04, a machine, 2 cores:$/m);
      assert.match(stdout, /^\| Hot \| 45 ms \| 45\.0 ms \| 47\.0 ms \| 47\.0 ms \| 3 \|$/m);
    }));

  it("writes it between the markers of a document, as often as it is run", () =>
    withResults(async (run, home) => {
      const file = path.join(home, "document.md");
      await writeFile(file, `# Title\n\n${beginMarker}\nold\n${endMarker}\n\nThe end.\n`);
      const { stdout, stderr } = await run("--write", file);
      assert.deepEqual([stdout, stderr], ["", []]);
      const text = await readFile(file, "utf8");
      assert.match(
        text,
        /^# Title\n\n<!-- bench:begin -->\n\n\*\*Resume[\s\S]*\|\n\n<!-- bench:end -->\n\nThe end\.\n$/,
      );
      await run("--write", file);
      assert.equal(await readFile(file, "utf8"), text);
    }));

  it("leaves a document without markers as it is, and says what is missing", () =>
    withResults(async (run, home) => {
      const file = path.join(home, "document.md");
      await writeFile(file, `${endMarker}\n${beginMarker}\n`);
      const { stderr } = await run("--write", file);
      assert.match(
        stderr.join("\n"),
        /^INVALID_REQUEST: .* has no place for results: write the lines <!-- bench:begin -->/,
      );
      assert.equal(await readFile(file, "utf8"), `${endMarker}\n${beginMarker}\n`);
    }));

  it("takes no document whose markers are not there exactly once", () => {
    for (const text of ["", beginMarker, endMarker, `${beginMarker}${endMarker}${beginMarker}${endMarker}`]) {
      assert.equal(betweenMarkers(text, "x"), undefined);
    }
  });
});
