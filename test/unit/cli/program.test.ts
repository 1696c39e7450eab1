import assert from "node:assert/strict";
import { defaultHome } from "../../../src/cli/places";
import { runProgram } from "../../../src/cli/program";
import { errorCodes } from "../../../src/common/errors";
import { RecordedConsole } from "../../support/cli/recordedConsole";

async function run(...words: readonly string[]) {
  const console = new RecordedConsole();
  const code = await runProgram(words, console);
  return { code, stdout: console.stdout, stderr: console.stderr };
}

describe("The program", () => {
  it("tells its commands, its home and every error code, with and without being asked", async () => {
    for (const words of [[], ["help"], ["--help"]]) {
      const { code, stdout, stderr } = await run(...words);
      assert.deepEqual([code, stderr], [0, []]);
      for (const command of [
        "generate",
        "bench",
        "bench report",
        "agents list",
        "agents delete",
        "models import",
        "store gc",
      ]) {
        assert.ok(stdout.includes(`resident ${command}`), command);
      }
      assert.ok(stdout.includes(defaultHome));
      for (const name of errorCodes) assert.ok(stdout.includes(name), name);
    }
  });

  it("tells a command's options, with the default home, whatever else is written", async () => {
    for (const command of ["generate", "bench", "agents", "models", "store"]) {
      const { code, stdout } = await run(command, "--nonsense", "--help");
      assert.equal(code, 0);
      for (const option of ["--home DIR", "--json", `default: ${defaultHome}`]) {
        assert.ok(stdout.includes(option), `${command} ${option}`);
      }
    }
    const { stdout } = await run("generate", "--help");
    for (const option of [
      "prompt",
      "tools",
      "tool-mode",
      "tool-result",
      "json-schema",
      "model",
      "raw",
      "max-tokens",
      "temperature",
      "seed",
      "agent",
    ]) {
      assert.match(stdout, new RegExp(`^ {2}--${option} `, "m"));
    }
  });

  const refused: readonly (readonly [string, readonly string[], RegExp])[] = [
    ["an unknown command", ["chat"], /no command 'chat': use generate, agents, models, store, bench or help$/],
    ["generate without a prompt", ["generate"], /--prompt is missing/],
    ["--raw with --agent", ["generate", "--prompt=a", "--raw", "--agent=ada"], /--raw cannot go with --agent/],
    [
      "a way to think that is none",
      ["generate", "--prompt=a", "--thinking=hard"],
      /--thinking takes on, off, kept, not 'hard'/,
    ],
    ["--new without --agent", ["generate", "--prompt=a", "--new"], /--new goes with --agent/],
    ["--continue without --agent", ["generate", "--continue"], /--continue goes with --agent/],
    [
      "--continue with --prompt",
      ["generate", "--continue", "--agent=a", "--prompt=b"],
      /--continue cannot go with --prompt/,
    ],
    [
      "--continue with --system",
      ["generate", "--continue", "--agent=a", "--system=b"],
      /--continue cannot go with --system/,
    ],
    ["--continue with --new", ["generate", "--continue", "--agent=a", "--new"], /--continue cannot go with --new/],
    ["--raw with --system", ["generate", "--prompt=a", "--raw", "--system=b"], /--raw cannot go with --system/],
    ["--tool-result without --agent", ["generate", "--tool-result=a=b"], /--tool-result goes with --agent/],
    [
      "--tool-result with --prompt",
      ["generate", "--agent=a", "--tool-result=a=b", "--prompt=c"],
      /--tool-result cannot go with --prompt/,
    ],
    ["--tools with --raw", ["generate", "--prompt=a", "--raw", "--tools=t"], /--raw cannot go with --tools/],
    ["--tool-mode alone", ["generate", "--prompt=a", "--tool-mode=auto"], /--tool-mode goes with --tools or --agent/],
    [
      "a tool mode that is none",
      ["generate", "--prompt=a", "--agent=a", "--tool-mode=always"],
      /--tool-mode takes auto, required, none, not 'always'/,
    ],
    [
      "--json-schema with --tools",
      ["generate", "--prompt=a", "--json-schema=s", "--tools=t"],
      /--json-schema cannot go with --tools/,
    ],
    [
      "a temperature out of range",
      ["generate", "--prompt=a", "--temperature=-1"],
      /--temperature takes a number from 0/,
    ],
    ["no tokens at all", ["generate", "--prompt=a", "--max-tokens=0"], /--max-tokens takes a whole number from 1/],
    ["half a seed", ["generate", "--prompt=a", "--seed=0.5"], /--seed takes a whole number/],
    [
      "an unknown suite",
      ["bench", "exp-007"],
      /no suite 'exp-007': use exp-005, exp-006, resume, throughput, engine, host, soak, or report$/,
    ],
    [
      "an unknown verb",
      ["agents", "merge"],
      /agents knows no 'merge': use list, show, fork, rewind, delete or repair$/,
    ],
    ["no verb", ["models"], /models does nothing by itself: use import, get, search, list, delete or inspect$/],
    [
      "an unknown verb of the store",
      ["store", "wipe"],
      /store knows no 'wipe': use stats, verify, gc, repair or forget$/,
    ],
    ["a name from Object", ["constructor"], /no command 'constructor'/],
    ["a verb from Object", ["agents", "toString"], /knows no 'toString'/],
  ];
  for (const [name, words, line] of refused) {
    it(`refuses ${name} in one line on stderr, before anything is loaded`, async () => {
      const { code, stdout, stderr } = await run(...words);
      assert.deepEqual([code, stdout, stderr.length], [1, "", 1]);
      assert.match(stderr[0] ?? "", /^USAGE: /);
      assert.match(stderr[0] ?? "", line);
    });
  }
});
