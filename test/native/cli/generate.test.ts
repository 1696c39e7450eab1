import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { type CliAnswer, runCli, startCli } from "../../support/agents/cli";

const answerFields = [
  "text",
  "tokenIds",
  "finishReason",
  "promptTokens",
  "reusedTokens",
  "prefilledTokens",
  "generatedTokens",
  "ttftMs",
  "restoreMs",
  "decodeTokensPerSecond",
  "cache",
];

describe("resident generate", function () {
  this.timeout(300_000);
  let home: string;

  before(async () => {
    home = await mkdtemp(path.join(os.tmpdir(), "resident cli "));
  });
  after(() => rm(home, { recursive: true, force: true }));

  async function generate(...args: readonly string[]): Promise<CliAnswer> {
    const { code, stdout, stderr } = await runCli(["generate", "--home", home, "--pool-mb=64", "--json", ...args]);
    assert.equal(code, 0, stderr);
    assert.equal(stderr, "");
    return JSON.parse(stdout);
  }

  it("prints one object with exactly the promised fields, whose figures add up", async () => {
    const answer = await generate("--prompt=Hello", "--raw", "--max-tokens=3");
    assert.deepEqual(Object.keys(answer).sort(), [...answerFields].sort());
    assert.deepEqual(Object.keys(answer.cache), ["tier"]);
    assert.deepEqual(answer.tokenIds, [29, 1717, 29]);
    assert.equal(answer.text, "-by-");
    assert.equal(answer.finishReason, "length");
    assert.deepEqual([answer.promptTokens, answer.reusedTokens, answer.prefilledTokens], [1, 0, 1]);
    assert.equal(answer.generatedTokens, 3);
    assert.equal(answer.cache.tier, "cold");
    assert.equal(answer.restoreMs, 0);
    assert.ok(answer.ttftMs > 0 && answer.decodeTokensPerSecond > 0);
  });

  it("counts the stop id among the tokens and leaves it out of the text", async () => {
    const answer = await generate("--prompt=What is the capital of France?", "--max-tokens=24");
    assert.equal(answer.text, "The capital of France is Paris.");
    assert.equal(answer.finishReason, "stop");
    assert.equal(answer.tokenIds.at(-1), 2);
    assert.equal(answer.generatedTokens, answer.tokenIds.length);
    assert.equal(answer.promptTokens, 37);
  });

  it("goes on with an agent's answer that was cut, in another process, and reads one token", async () => {
    const prompt = "--prompt=Count from one to ten.";
    const whole = await generate("--agent=whole", prompt, "--max-tokens=16");
    const cut = await generate("--agent=cut", prompt, "--max-tokens=6");
    assert.equal(cut.finishReason, "length");
    const rest = await generate("--agent=cut", "--continue", "--max-tokens=10");
    assert.equal(cut.text + rest.text, whole.text);
    assert.deepEqual([...cut.tokenIds, ...rest.tokenIds], whole.tokenIds);
    assert.equal(rest.prefilledTokens, 1);
    assert.equal(rest.cache.tier, "warm");
  });

  it("streams the text alone to stdout, and the figures to stderr", async () => {
    const args = ["generate", "--home", home, "--pool-mb=64", "--prompt=Hello", "--raw", "--max-tokens=3"];
    const { code, stdout, stderr } = await runCli(args);
    assert.deepEqual([code, stdout], [0, "-by-"]);
    assert.match(stderr, /0 reused · 1 prefilled · 3 generated · TTFT \d+ ms .* cold · length/);
  });

  it("gives the same sampled answer for the same seed", async () => {
    const sample = (seed: number) =>
      generate("--prompt=Once", "--raw", "--max-tokens=4", "--temperature=1.5", `--seed=${seed}`);
    const answers = await Promise.all([sample(7), sample(7), sample(8)]);
    const [first, again, other] = answers.map(({ tokenIds }) => tokenIds);
    assert.deepEqual(first, again);
    assert.notDeepEqual(first, other);
  });

  it("repeats code as it stands: nothing is penalised unless it is asked for", async () => {
    const code = [
      "export function blocksFor(tokens: number, blockTokens: number): number {",
      "  return Math.ceil(tokens / blockTokens);",
      "}",
    ].join("\n");
    const prompt = `--prompt=Repeat this function exactly:\n\n\`\`\`ts\n${code}\n\`\`\``;
    const { text } = await generate(prompt, "--max-tokens=70");
    assert.match(text, /function blocksFor\(tokens: number, blockTokens: number\)/);
    assert.match(text, /^ {2}return Math\.ceil\(tokens \/ blockTokens\);$/m);
  });

  it("takes a top-p of 0 for the most likely token alone", async () => {
    const greedy = await generate("--prompt=Once", "--raw", "--max-tokens=6");
    const sampled = await generate("--prompt=Once", "--raw", "--max-tokens=6", "--temperature=1.5", "--top-p=0");
    assert.deepEqual(sampled.tokenIds, greedy.tokenIds);
  });

  it("cuts the longest answer to what fits the pool, and refuses nothing that fits", async () => {
    const long = ["--prompt=1, 2, 3, 4,", "--raw", "--kv=f16", "--pool-mb=3", "--max-tokens=100000"];
    const { finishReason, promptTokens, generatedTokens } = await generate(...long);
    assert.equal(finishReason, "length");
    // 3 MB hold 2 blocks of 64 tokens; the last token is never read back.
    assert.equal(promptTokens + generatedTokens, 2 * 64 + 1);
  });

  it("continues an agent in a new process: reuses all it has read and prefills only what is new", async () => {
    const opening = await generate("--agent=ada", "--prompt=Say yes.", "--max-tokens=2");
    const next = await generate("--agent=ada", "--prompt=And no.", "--max-tokens=2");
    assert.equal(opening.cache.tier, "cold");
    assert.equal(next.cache.tier, "warm");
    // The last sampled id was never fed to the model: it is read with the new message.
    assert.equal(next.reusedTokens, opening.promptTokens + opening.generatedTokens - 1);
    assert.equal(next.promptTokens, next.reusedTokens + next.prefilledTokens);
    assert.ok(next.prefilledTokens > 0 && next.prefilledTokens < opening.promptTokens);
    assert.ok(next.restoreMs > 0);
  });

  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    it(`keeps what was said when it is asked to end by ${signal}`, async () => {
      const agent = `--agent=${signal}`;
      const limits = ["--home", home, "--pool-mb=64", "--max-tokens=2000"];
      const running = startCli(["generate", agent, "--prompt=Write a long story about the sea.", ...limits]);
      await running.firstText;
      running.kill(signal);
      const { code, stdout, stderr } = await running.result;
      assert.equal(code, 0, stderr);
      assert.ok(stdout.length > 0 && stderr.includes("aborted"), stderr);
      const next = await generate(agent, "--prompt=Go on.", "--max-tokens=1");
      assert.equal(next.cache.tier, "warm");
      assert.ok(next.prefilledTokens < 30 && next.reusedTokens > 30, JSON.stringify(next));
    });
  }

  it("puts the lines of a file before a message; they stay in the conversation of the next process", async () => {
    const file = path.join(home, "harbour.txt");
    await writeFile(file, "The harbour has a wall.\nThe quay has two cranes.\nThe basin has small boats.\n");
    const agent = ["--agent=mary", "--max-tokens=3"];
    const first = await generate(...agent, "--prompt=How many cranes?", `--attach=${file}:2-3`, `--attach=${file}`);
    const plain = await generate("--agent=plain", "--max-tokens=3", "--prompt=How many cranes?");
    assert.ok(first.promptTokens > plain.promptTokens + 40);
    const next = await generate(...agent, "--prompt=And boats?");
    assert.ok(next.reusedTokens >= first.promptTokens && next.prefilledTokens < 32);
    const show = await runCli(["agents", "show", "mary", "--home", home]);
    assert.match(
      show.stdout,
      /harbour\.txt, lines 2 to 3, 51 characters\]\n\[.*harbour\.txt, 76 characters\]\n> How many cranes\?/,
    );
    const bare = await runCli(["generate", "--home", home, "--prompt=x", `--attach=${file}`]);
    assert.match(bare.stderr, /^USAGE: .*--attach goes with --agent/);
  });

  it("will not continue an agent with another model than its own", async () => {
    await generate("--agent=bob", "--prompt=Hi", "--max-tokens=1");
    const args = ["generate", "--home", home, "--agent=bob", "--prompt=Hi", "--model", home];
    const { code, stderr } = await runCli(args);
    assert.equal(code, 1);
    assert.match(stderr, /^USAGE: 'bob' was made with the model in .*SmolLM2-135M-Instruct: leave --model out/);
  });
});
