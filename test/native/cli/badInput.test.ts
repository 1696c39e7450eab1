import assert from "node:assert/strict";
import { copyFile, mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { type CliOptions, runCli } from "../../support/agents/cli";
import { temporaryFolder } from "../../support/models/folders";
import { text } from "../../support/models/ggufBuilder";
import { starterModel } from "../../support/models/starterModel";
import { tinyGguf } from "../../support/models/tinyGguf";

/** Runs the program, which must fail: nothing on stdout, one line `CODE: what happened: what to do` on stderr. */
async function failure(args: readonly string[], options?: CliOptions): Promise<string> {
  const { code, stdout, stderr } = await runCli(args, options);
  assert.equal(code, 1, stderr);
  assert.equal(stdout, "");
  assert.match(stderr, /^[A-Z_]+: [^\n]+: [^\n]+\n$/);
  return stderr;
}

describe("resident with bad input", function () {
  this.timeout(120_000);
  const folder = temporaryFolder();
  const home = () => path.join(folder.path, "home");

  const generate = (...args: readonly string[]) =>
    failure([
      "generate",
      "--json",
      "--home",
      home(),
      ...(args.some((a) => a.startsWith("--prompt")) ? [] : ["--prompt=Hi"]),
      ...args,
    ]);

  /** The starter model with other files in the place of some of its own; `undefined` leaves one out. */
  async function changedModel(changes: Readonly<Record<string, string | undefined>>): Promise<string> {
    const directory = path.join(folder.path, "changed model");
    await mkdir(directory);
    for (const name of await readdir(starterModel)) {
      if (!Object.hasOwn(changes, name)) await symlink(path.join(starterModel, name), path.join(directory, name));
    }
    for (const [name, content] of Object.entries(changes)) {
      if (content !== undefined) await writeFile(path.join(directory, name), content);
    }
    return directory;
  }

  it("refuses an empty and a blank prompt", async () => {
    for (const prompt of ["", " \n\t "]) {
      assert.match(await generate(`--prompt=${prompt}`), /^INVALID_REQUEST: the message is empty/);
    }
  });

  it("refuses a model directory that is not there, and one that is empty", async () => {
    assert.match(await generate("--model", path.join(folder.path, "none")), /^MODEL_NOT_FOUND: .*none/);
    assert.match(await generate("--model", folder.path), /^MODEL_NOT_FOUND: /);
  });

  it("refuses a model whose weights are missing", async () => {
    const directory = await changedModel({ "model.safetensors": undefined });
    assert.match(await generate("--model", directory), /^MODEL_INCOMPLETE: /);
  });

  it("refuses corrupt weights", async () => {
    const directory = await changedModel({ "model.safetensors": "\u0010\0\0\0\0\0\0\0{not json at all" });
    assert.match(await generate("--model", directory), /^MODEL_(CORRUPT|INCOMPLETE): .*model\.safetensors/);
  });

  it("refuses an architecture that it does not know, by name", async () => {
    const directory = await changedModel({ "config.json": JSON.stringify({ model_type: "mamba" }) });
    assert.match(await generate("--model", directory), /^MODEL_UNSUPPORTED: .*mamba/);
  });

  it("refuses a prompt that is longer than the context, with both numbers", async () => {
    const line = await generate("--raw", `--prompt=${"word ".repeat(9000)}`);
    assert.match(line, /^CONTEXT_FULL: .*9001 tokens.*8192/);
  });

  it("refuses what needs more blocks than the pool has, with both numbers", async () => {
    const line = await generate("--raw", "--kv=f16", "--pool-mb=2", `--prompt=${"word ".repeat(80)}`);
    assert.match(line, /^POOL_EXHAUSTED: .* needs \d+ blocks of 64 tokens and the block pool has 1/);
  });

  it("makes a smaller pool where the one that was asked for is larger than the memory, and says so", async () => {
    for (const megabytes of [Math.ceil(os.totalmem() / 2 ** 20), 2 ** 20]) {
      const prompt = ["--prompt=Hello", "--raw", "--max-tokens=3"];
      const args = ["generate", ...prompt, "--verbose", "--home", home(), `--pool-mb=${megabytes}`];
      const { code, stdout, stderr } = await runCli(args);
      assert.deepEqual([code, stdout], [0, "-by-"], stderr);
      assert.match(
        stderr,
        /the block pool has [\d.]+ [MG]B instead of [\d.,]+ [GT]B: [\d.]+ [MG]B of memory were free/,
      );
    }
  });

  it("says where the addon is expected when it is missing", async () => {
    const program = path.join(folder.path, "dist", "cli.js");
    await mkdir(path.dirname(program));
    await copyFile(path.resolve("dist", "cli.js"), program);
    const args = ["generate", "--prompt=Hi", "--json", "--home", home(), "--model", starterModel];
    const line = await failure(args, { program });
    assert.match(line, /^ADDON_MISSING: /);
    assert.ok(line.includes(path.join(folder.path, "native", "stage")));
  });

  it("refuses GGUF files that are truncated, none, or of another architecture, and leaves no folder behind", async () => {
    const whole = tinyGguf();
    const files = {
      truncated: whole.subarray(0, whole.length - 100),
      none: Buffer.from("no GGUF at all, but long enough to look for a header"),
      other: tinyGguf({ metadata: { "general.architecture": text("mamba") } }),
    };
    const codes = {
      truncated: /^IMPORT_CORRUPT: /,
      none: /^IMPORT_CORRUPT: .*does not begin with GGUF/,
      other: /^IMPORT_UNSUPPORTED: .*mamba/,
    };
    for (const name of ["truncated", "none", "other"] as const) {
      const file = path.join(folder.path, `${name}.gguf`);
      await writeFile(file, files[name]);
      assert.match(await failure(["models", "import", file, "--home", home()]), codes[name]);
      assert.deepEqual(await readdir(path.join(home(), "models")).catch(() => []), []);
    }
  });

  it("refuses agents, models and files that are not there, by name", async () => {
    assert.match(await failure(["agents", "show", "ada", "--home", home()]), /^AGENT_NOT_FOUND: .*'ada'/);
    assert.match(await failure(["models", "inspect", folder.path, "--home", home()]), /^MODEL_NOT_FOUND: /);
    const file = path.join(folder.path, "none.gguf");
    assert.match(await failure(["models", "import", file, "--home", home()]), /none\.gguf/);
  });

  it("refuses EXP-005 where there is no checkout, before anything runs", async () => {
    const program = path.join(folder.path, "dist", "cli.js");
    await mkdir(path.dirname(program));
    await copyFile(path.resolve("dist", "cli.js"), program);
    const line = await failure(["bench", "exp-005", "--home", home()], { program });
    assert.match(line, /^USAGE: exp-005 cannot be run from here: run it from a checkout/);
  });
});
