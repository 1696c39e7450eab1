import assert from "node:assert/strict";
import { exp005Prompts } from "../../src/bench/exp005Prompts";
import type { BenchReport } from "../../src/protocol/service";
import { runCli } from "../support/agents/cli";
import { temporaryFolder } from "../support/models/folders";

/** The program as a person runs it, compared with mlx_lm as it is: nothing is recorded. */
describe("EXP-005", () => {
  const home = temporaryFolder();

  it("gives mlx_lm's greedy tokens and text, prompt by prompt", async () => {
    const { code, stdout, stderr } = await runCli(["bench", "exp-005", "--json", "--home", home.path]);
    assert.equal(code, 0, stderr);
    const { rows }: BenchReport = JSON.parse(stdout);
    const different = rows.filter((row) => row["identical"] === false);
    assert.deepEqual(different, []);
    const summary = rows.at(-1);
    assert.equal(rows.length, exp005Prompts.length + 1);
    assert.ok(Number(summary?.["identicalPrompts"]) >= 12, JSON.stringify(summary));
  });
});
