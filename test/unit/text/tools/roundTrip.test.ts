import assert from "node:assert/strict";
import type { JsonObject } from "../../../../src/common/tools";
import { ChatTemplate } from "../../../../src/text/chatTemplate";
import type { TemplateMessage } from "../../../../src/text/messages";
import { canonicalTools, templateTools } from "../../../../src/text/tools/canonical";
import { toolFormatOf } from "../../../../src/text/tools/detect";
import { toolTemplates } from "../../../support/text/toolTemplates";
import { heard, piecesOf, recordedTools, vocabularies } from "../../../support/text/toolTexts";

const given: readonly (readonly [string, JsonObject])[] = [
  ["read_file", { path: "src/a b.ts" }],
  ["read_file", { path: "a", from: 1, to: 20 }],
  ["write_file", { path: "a.py", content: "def f():\n    return \"x\", 'y'\n" }],
  ["write_file", { path: "a", content: "false" }],
  ["write_file", { path: "a.json", content: '{"a": [1, true, null]}' }],
  ["edit_file", { path: "a", old: " x ", new: "", replace_all: true }],
  ["search", { text: "a, b]) } </x> [c]", paths: ["a", "b c"], options: { case: false, max: 3 } }],
  ["set_level", { level: -1.5, mode: "slow" }],
  ["run", { command: "echo 山🙂 \\n \\\\ $x" }],
  ["now", {}],
];

/** What a template writes behind the opening of an answer for a call. `undefined`: it writes no calls. */
function written(template: ChatTemplate, name: string, parameters: JsonObject): string | undefined {
  const question: TemplateMessage = { role: "user", content: "question" };
  const call = { id: "abc123def", type: "function", function: { name, arguments: parameters } };
  const answer: TemplateMessage = { role: "assistant", content: "", tool_calls: [call] };
  const options = { variables: { tools: templateTools(canonicalTools(recordedTools)) } };
  const text = template.render([question, answer], false, options);
  const behind = text.slice(text.lastIndexOf("question") + "question".length);
  const end = text.length - behind.length;
  const prompt = template.render([question], true, options);
  const said = prompt.length > end && text.startsWith(prompt) ? text.slice(prompt.length) : behind;
  return said.includes(name) ? said : undefined;
}

/** What stands before the answer, and what ends it: a model says neither. */
const opening =
  /^.*?(?=<tool_call>|<seed:tool_call>|\{"name"|\[TOOL_CALLS\]|<\|tool_call>|<start_function_call>|<\|start\|>assistant|<\|tool_call_start\|>|<function_calls>)/s;

describe("A call as a template writes it", () => {
  for (const [model, { source, format: name }] of Object.entries(toolTemplates)) {
    const template = ChatTemplate.create({ chat_template: source });
    const format = template && toolFormatOf(template);
    if (template === undefined || format === undefined || written(template, "now", {}) === undefined) continue;
    it(`is read as the same call: ${model} (${name})`, () => {
      for (const [tool, parameters] of given) {
        const text: string = (written(template, tool, parameters) ?? "").replace(opening, "");
        const cut: number = text.search(/<\|im_end\|>|<seed:eos>|<\|eot_id\|>|<\/s>|<end_of_turn>/);
        const said: string = cut < 0 ? text : text.slice(0, cut);
        for (const vocabulary of vocabularies) {
          const { calls, dropped, shown } = heard(format, piecesOf(format, said, vocabulary), vocabulary);
          assert.deepEqual(
            { calls, dropped, shown },
            { calls: [{ name: tool, arguments: parameters }], dropped: [], shown: "" },
            said,
          );
        }
      }
    });
  }
});
