import assert from "node:assert/strict";
import { builtInSpecs } from "../../../src/acting/builtInTools";
import { actingInstructions } from "../../../src/acting/instructions";
import { readTextFiles } from "../../../src/models/modelDirectory";
import { createTextModel } from "../../../src/text/textModel";
import { canonicalTools, templateTools } from "../../../src/text/tools/canonical";
import { starterModel } from "../../support/models/starterModel";

/** As the templates of Qwen and Hermes tell a model of its tools: a line of JSON for each, and how to call them. */
const frame =
  '\n\n# Tools\n\nYou may call one or more functions to assist with the user query.\n\nYou are provided with function signatures within <tools></tools> XML tags:\n<tools>\n\n</tools>\n\nFor each function call, return a json object with function name and arguments within <tool_call></tool_call> XML tags:\n<tool_call>\n{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call>';

describe("What a model is told about acting", () => {
  it("takes at most 1,500 tokens, tools included", async () => {
    const { tokenizer } = createTextModel(await readTextFiles(starterModel));
    const tools = templateTools(canonicalTools(builtInSpecs)).map((tool) => JSON.stringify(tool));
    const text = actingInstructions + frame + tools.join("\n");
    const tokens = tokenizer.encodeText(text).length;
    assert.ok(tokens <= 1500, `${tokens} tokens`);
    assert.ok(tokens > 500, "all of it was counted");
  });
});
