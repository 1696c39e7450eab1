import assert from "node:assert/strict";
import type { ChatMessage } from "../../../src/common/messages";
import { toolFamilies } from "../../support/text/toolFamilies";
import { callOf, modelOf, pastWith, question, resultOf, spelled, tools } from "../../support/text/toolRounds";

/** Number of leading ids that are the same. */
const common = (a: Int32Array, b: Int32Array) => {
  const at = a.findIndex((id, index) => id !== b[index]);
  return at < 0 ? a.length : at;
};

describe("The results of several calls, read ahead one after the other", () => {
  for (const [name, family] of Object.entries(toolFamilies)) {
    it(`are the beginning of the prompt with all of them: ${name}`, async () => {
      const model = modelOf(family);
      const { prompts, tokenizer } = model;
      const frame = { system: "Be brief.", tools };
      const asked = await prompts.buildAfter({ ...frame, past: undefined, input: question });
      const calls = ["a", "b", "c"].map((path) => callOf(path, `call_${path}`));
      const raw = calls.map((call) => family.say(String(call.arguments["path"]), "")).join("");
      const answer = { role: "assistant", content: "", calls, raw } as const;
      const past = pastWith(prompts, undefined, question, asked, answer, spelled(model, raw + family.stop));
      const results = calls.map((call) => resultOf(call, `The text of file ${call.id}`));
      const { ids } = await prompts.buildAfter({ ...frame, past, input: results });
      let before = 0;
      for (let known = 0; known < calls.length; known += 1) {
        const next = calls[known];
        assert.ok(next);
        const input: readonly ChatMessage[] = [...results.slice(0, known), resultOf(next, "")];
        const ahead = await prompts.aheadAfter({ ...frame, past, input });
        if (ahead.ids.length === 0) continue;
        const agreed = common(ahead.ids, ids);
        // The last token may be another one once the text goes on.
        assert.ok(agreed >= ahead.ids.length - 1, `${known}: ${tokenizer.decode(ahead.ids.subarray(agreed))}`);
        assert.ok(agreed >= before, `${known} results`);
        const text = tokenizer.decode(ids.subarray(0, agreed));
        if (known > 0) assert.ok(text.includes(`The text of file ${calls[known - 1]?.id}`), text);
        before = agreed;
      }
    });
  }
});
