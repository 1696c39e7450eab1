import assert from "node:assert/strict";
import path from "node:path";
import { askArgs, runCli, startCli } from "../../support/agents/cli";
import { temporaryFolder } from "../../support/models/folders";

const longQuestion = "Write a long story about the sea.";

describe("resident --vscode", function () {
  this.timeout(120_000);
  const folder = temporaryFolder();

  const settings = () =>
    process.platform === "darwin"
      ? path.join(folder.path, "Library", "Application Support")
      : path.join(folder.path, ".config");
  const extensionHome = () => path.join(settings(), "Code", "User", "globalStorage", "resident.resident");
  const asUser = () => ({ env: { HOME: folder.path, XDG_CONFIG_HOME: settings() } });

  /** A call on the agent "ada" of VS Code's home. */
  const ask = (prompt: string) =>
    runCli(
      ["generate", "--vscode", "--agent=ada", "--pool-mb=64", "--max-tokens=4", "--json", "--prompt", prompt],
      asUser(),
    );

  it("works next to a window that uses the home: it lists and reads, a used agent is refused, then goes on", async () => {
    const window = startCli(
      askArgs(extensionHome(), longQuestion, 800).filter((word) => word !== "--json"),
      asUser(),
    );
    await window.firstText;

    const listed = await runCli(["agents", "list", "--vscode"], asUser());
    assert.equal(listed.code, 0, listed.stderr);
    assert.match(listed.stdout, /^ada .*in use by another process/m);
    const shown = await runCli(["agents", "show", "ada", "--vscode"], asUser());
    assert.ok(shown.stdout.includes(longQuestion), shown.stderr);

    const refused = await ask("Thank you.");
    assert.equal(window.hasEnded(), false, "the other process must still answer");
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /^AGENT_LOCKED: another window or program is using this agent: .*close it there/m);

    window.kill("SIGTERM");
    await window.result;
    const { code, stdout, stderr } = await ask("Thank you.");
    assert.equal(code, 0, stderr);
    assert.ok(JSON.parse(stdout).reusedTokens > 0, stdout);
  });
});
