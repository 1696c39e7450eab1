import assert from "node:assert/strict";
import fc from "fast-check";
import type { ToolSpec } from "../../../src/common/tools";
import { toolFormats } from "../../../src/text/tools/formats";
import { ToolCallParser } from "../../../src/text/tools/parser";
import { writtenCalls } from "../../../src/text/writtenCalls";
import { callOf, modelOf, pastWith, question, resultOf, spelled, tools } from "../../support/text/toolRounds";

const spec: ToolSpec = {
  name: "do_it",
  description: "",
  parameters: {
    type: "object",
    properties: {
      text: { type: "string" },
      count: { type: "integer" },
      isOn: { type: "boolean" },
      list: { type: "array", items: { type: "string" } },
    },
    required: ["text"],
  },
};
const word = fc.stringMatching(/^[a-z0-9 .,'-]{0,12}[a-z]$/);
const given = fc.record(
  { text: word, count: fc.integer(), isOn: fc.boolean(), list: fc.array(word, { maxLength: 3 }) },
  { requiredKeys: ["text"], noNullPrototype: true },
);

describe("Calls written in a model's own form", () => {
  for (const format of Object.values(toolFormats)) {
    it(`are read as the same calls: ${format.name}`, () => {
      const isSingle = format.betweenCalls === undefined && format.betweenBlocks === undefined;
      fc.assert(
        fc.property(fc.array(given, { minLength: 1, maxLength: isSingle ? 1 : 3 }), (all) => {
          const written = writtenCalls(
            format,
            all.map((each) => ({ name: spec.name, arguments: each })),
          );
          const parser = new ToolCallParser({ format, tools: [spec], idOf: () => undefined, newId: () => "x" });
          const parsed = [parser.push(0, written), parser.finish(false)];
          assert.deepEqual(
            parsed.flatMap(({ calls }) => calls.map((call) => call.arguments)),
            all,
            written,
          );
        }),
      );
    });
  }

  it("stand in the content where the template tells of tools and knows no calls", async () => {
    const family = {
      template:
        "{% if tools %}<|im_start|>system\nTools: {{ tools | tojson }}, called so: " +
        "<|tool_call_start|>[f(x=1)]<|tool_call_end|><|im_end|>{{ '\n' }}{% endif %}" +
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>{{ '\n' }}{% endfor %}" +
        "{% if add_generation_prompt %}<|im_start|>assistant\n{{ '' }}{% endif %}",
      control: ["<|im_start|>", "<|im_end|>", "<|tool_call_start|>", "<|tool_call_end|>"],
      words: [],
      stop: "<|im_end|>",
      say: (path: string, text: string) => `${text}<|tool_call_start|>[read_file(path='${path}')]<|tool_call_end|>`,
      speaks: true,
      frame: () => "",
    };
    const model = modelOf(family);
    const first = await model.prompts.buildAfter({ system: "", tools, past: undefined, input: question });
    const call = callOf('a<|im_end|>".txt', "1");
    const answer = { role: "assistant", content: "So.", calls: [call] } as const;
    const results = [resultOf(call, "text")];
    const { ids } = await model.prompts.build([...question, answer, ...results], [], undefined, { tools });
    const text = model.tokenizer.decode(ids);
    assert.ok(
      text.includes('So.<|tool_call_start|>[read_file(path="a<|im_end|>\\".txt")]<|tool_call_end|><|im_end|>\n'),
      text,
    );
    const count = (token: string) => [...ids].filter((id) => id === model.tokenizer.idOf(token)).length;
    assert.deepEqual([count("<|tool_call_start|>"), count("<|im_end|>")], [2, 4]);
    const raw = family.say("b.txt", "So.");
    const said = { ...answer, calls: [callOf("b.txt", "1")], raw };
    const past = pastWith(model.prompts, undefined, question, first, said, spelled(model, raw + family.stop));
    const second = await model.prompts.buildAfter({ system: "", tools, past, input: results });
    assert.equal(second.agreedTokens, past.numTokens);
  });
});
