import assert from "node:assert/strict";
import path from "node:path";
import { type CliAnswer, runCli } from "../support/agents/cli";
import { temporaryFolder } from "../support/models/folders";
import { starterModel } from "../support/models/starterModel";
import { ServerProcess } from "../support/servers/serverProcess";

/** mlx_lm's own server over the starter model answers an agent, which keeps its conversation as with a model here. */
describe("mlx_lm.server", function () {
  this.timeout(1_800_000);
  const folder = temporaryFolder();
  let server: ServerProcess;

  beforeEach(async () => {
    server = await ServerProcess.start(
      (port) => ["test/reference/python.mjs", "mlxServer.py", "--model", starterModel, "--port", port],
      { HF_HUB_CACHE: folder.path },
    );
  });
  afterEach(() => server?.stop());

  async function generate(...args: readonly string[]): Promise<CliAnswer> {
    const home = path.join(folder.path, "home");
    const { code, stdout, stderr } = await runCli(["generate", "--json", "--home", home, "--max-tokens=12", ...args]);
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout);
  }

  it("answers as the model here does, and reads a conversation once", async () => {
    const prompts = ["What is the capital of France?", "And of Italy?"];
    const cached: number[] = [];
    for (const prompt of prompts) {
      const there = await generate("--agent=there", `--prompt=${prompt}`, "--server", server.url);
      const here = await generate("--agent=here", `--prompt=${prompt}`, "--pool-mb=64", "--model", starterModel);
      assert.equal(there.text, here.text);
      assert.equal(there.promptTokens, here.promptTokens);
      assert.deepEqual(there.tokenIds, []);
      cached.push(there.reusedTokens);
    }
    const [first = 0, second = 0] = cached;
    assert.ok(second > first && second > 30, `cached: ${cached.join(", ")}`);
  });
});
