import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { compareAnswers } from "../../src/bench/exp005Compare";
import type { ReferencePrompt } from "../../src/bench/exp005Prompts";
import { readTextFiles } from "../../src/models/modelDirectory";
import type { ImportedModel } from "../../src/protocol/service";
import { createTextModel } from "../../src/text/textModel";
import { type CliAnswer, runCli } from "../support/agents/cli";
import { temporaryFolder } from "../support/models/folders";
import { askLlamaCpp, askMlxLm } from "./programs";

const raw = (name: string, text: string, maxTokens = 24): ReferencePrompt => ({ name, kind: "raw", text, maxTokens });
const prompts: readonly ReferencePrompt[] = [
  raw("python", "def fibonacci(n):\n    "),
  raw("indented class", "class Node:\n    def __init__(self, value):\n        self.value = value\n\n    def "),
  raw("prose", "Once upon a time, in a village by the sea,"),
  raw("accents and emoji", "Le café près de la gare est fermé à Noël 🌍. L'été,", 16),
];
const chat: ReferencePrompt = {
  name: "chat",
  kind: "chat",
  text: "Write a Python function is_prime(n).",
  maxTokens: 32,
};

/**
 * Real weights in the form in which people have them, from packages (test/models/packages.mjs): imported, they answer as
 * mlx_lm does with the same folder, and nearly as llama.cpp does with the file, which rounds activations to 8 bits.
 */
describe("Real GGUF files", () => {
  const folder = temporaryFolder();
  const home = () => path.join(folder.path, "home");

  async function fetched(name: string): Promise<string> {
    const { stdout } = await promisify(execFile)(process.execPath, ["test/models/fetch.mjs", name]);
    return stdout.trim();
  }

  async function imported(file: string): Promise<ImportedModel> {
    const args = ["models", "import", file, "--to", path.join(folder.path, "model"), "--json", "--home", home()];
    const { code, stdout, stderr } = await runCli(args);
    assert.equal(code, 0, stderr.slice(-2000));
    return JSON.parse(stdout);
  }

  async function answer(directory: string, { text, kind, maxTokens }: ReferencePrompt): Promise<CliAnswer> {
    const options = ["--model", directory, "--max-tokens", String(maxTokens), "--kv", "f32", "--pool-mb", "256"];
    const args = ["generate", "--prompt", text, ...(kind === "raw" ? ["--raw"] : []), ...options];
    const { code, stdout, stderr } = await runCli([...args, "--json", "--home", home()]);
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout);
  }

  async function compare(name: string, asked: readonly ReferencePrompt[]): Promise<void> {
    const file = await fetched(name);
    const { directory, rounded } = await imported(file);
    assert.deepEqual(
      rounded.map(({ type, bits }) => [type, bits]),
      [["Q6_K", 8]],
    );
    for (const { largestError } of rounded) assert.ok(largestError > 0 && largestError < 0.004, `${largestError}`);

    const answers = new Map<string, CliAnswer>();
    for (const prompt of asked) answers.set(prompt.name, await answer(directory, prompt));
    const own = (prompt: string) => answers.get(prompt) ?? assert.fail(prompt);

    const reference = await askMlxLm(directory, asked);
    let ties = 0;
    for (const theirs of reference.answers) {
      const comparison = compareAnswers(own(theirs.name), theirs);
      assert.notEqual(comparison.outcome, "different", `${theirs.name}: ${JSON.stringify(comparison)}`);
      if (comparison.outcome === "tie") ties += 1;
    }
    assert.ok(ties <= 1, `${ties} answers end in a tie`);

    const { tokenizer } = createTextModel(await readTextFiles(directory));
    const raws = asked.filter(({ kind }) => kind === "raw");
    const llama = await askLlamaCpp(
      file,
      raws.map((prompt) => ({
        ...prompt,
        promptIds: [...tokenizer.leadingIds, ...tokenizer.encodeText(prompt.text)],
      })),
    );
    let same = 0;
    let all = 0;
    for (const theirs of llama.answers) {
      const prompt = raws.find(({ name: own }) => own === theirs.name) ?? assert.fail(theirs.name);
      assert.deepEqual(theirs.encoded, [...tokenizer.encodeText(prompt.text)], theirs.name);
      const ids = own(theirs.name).tokenIds;
      const parting = ids.findIndex((id, i) => id !== theirs.tokenIds[i]);
      same += parting === -1 ? ids.length : parting;
      all += ids.length;
    }
    console.log(
      `      ${name}: ${asked.length - ties} of ${asked.length} answers as ${reference.versions}; ` +
        `${same} of ${all} tokens before the first that ${llama.engine} chooses otherwise`,
    );
    assert.ok(same >= all / 2, `only ${same} of ${all} tokens are llama.cpp's`);
  }

  it("Qwen2.5-Coder-0.5B-Instruct in Q4_K_M", () => compare("qwen", [...prompts, chat]));

  it("Gemma 3 270M in Q4_K_M", () => compare("gemma", prompts));
});
