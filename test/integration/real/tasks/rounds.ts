/** What holds in every round of every turn, whatever the model says. */
import assert from "node:assert/strict";
import Ajv from "ajv";
import { builtInSpecs } from "../../../../src/acting/builtInTools";
import type { ToolResult } from "../../../../src/common/tools";
import type { TurnView } from "../../../../src/protocol/service";
import type { TextModel } from "../../../../src/text/textModel";

const ajv = new Ajv({ strict: false });
const schemas = new Map(builtInSpecs.map(({ name, parameters }) => [name, ajv.compile(parameters ?? {})]));

/** Each call was read, is of a declared tool, and fits its schema. */
export function assertCalls(steps: readonly TurnView[]): void {
  for (const { calls = [], dropped } of steps) {
    // A call may be cut by the answer's longest length; nothing else may become of it.
    assert.ok(dropped === undefined || dropped.reason === "cut", `a call was dropped: ${JSON.stringify(dropped)}`);
    for (const { name, arguments: args } of calls) {
      const fits = schemas.get(name);
      assert.ok(fits, `no tool ${name} is declared`);
      assert.ok(fits(args), `${name}(${JSON.stringify(args)}): ${ajv.errorsText(fits.errors)}`);
    }
  }
}

/** As the template of Qwen2.5 writes results behind an answer with calls, and the opening of the next answer. */
function frame(results: readonly ToolResult[]): string {
  const written = results.map(({ text }) => `\n<tool_response>\n${text}\n</tool_response>`).join("");
  return `\n<|im_start|>user${written}<|im_end|>\n<|im_start|>assistant\n`;
}

/** What each round read is its results and the frame around them; what the rounds before read and said is reused. */
export function assertRounds(steps: readonly TurnView[], { tokenizer }: Pick<TextModel, "tokenizer">): number {
  let rounds = 0;
  for (const [index, { results, figures, finishReason }] of steps.entries()) {
    const before = steps[index - 1]?.figures;
    if (results === undefined || figures === undefined || before === undefined || finishReason === "aborted") continue;
    const added = tokenizer.encodeMarked(frame(results)).length;
    const kept = before.promptTokens + before.generatedTokens;
    assert.equal(figures.promptTokens, kept + added, `round ${index} has the results and their frame in its prompt`);
    // The token that was said last was not read when it was said. What was read ahead is not read again.
    assert.ok(
      figures.prefilledTokens <= added + 1,
      `round ${index} read ${figures.prefilledTokens} of ${added} tokens`,
    );
    assert.equal(figures.cache.refused, undefined);
    rounds += 1;
  }
  return rounds;
}
