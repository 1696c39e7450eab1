import assert from "node:assert/strict";
import { ChatTemplate } from "../../../../src/text/chatTemplate";
import { toolFormatOf } from "../../../../src/text/tools/detect";
import { toolTemplates } from "../../../support/text/toolTemplates";

function formatOf(source: string) {
  const template = ChatTemplate.create({ chat_template: source });
  assert.ok(template !== undefined);
  return toolFormatOf(template);
}

describe("The form of calls, by a model's template", () => {
  for (const [model, { source, format }] of Object.entries(toolTemplates)) {
    it(`is ${format ?? "none"} for ${model}`, () => assert.equal(formatOf(source)?.name, format));
  }

  it("has the white space and the marks that the template writes", () => {
    const [older, newer] = ["GLM 4.5", "GLM 4.7"].map((model) => formatOf(toolTemplates[model]?.source ?? ""));
    assert.ok(older?.shape === "tagged" && newer?.shape === "tagged");
    assert.deepEqual([older.behindName, newer.behindName, newer.behindKey], ["\n", "", "</arg_key><arg_value>"]);
    const [withId, without] = ["Mistral Small 3.2", "Devstral 2"].map((model) =>
      formatOf(toolTemplates[model]?.source ?? ""),
    );
    assert.ok(withId?.shape === "taggedJson" && without?.shape === "taggedJson");
    assert.deepEqual([withId.callId, without.callId], ["[CALL_ID]", ""]);
    const source = toolTemplates["Qwen2.5, Qwen3, Granite 4"]?.source ?? "";
    const close = source.replaceAll("<tool_call>\n", "<tool_call>").replaceAll("\n</tool_call>", "</tool_call>");
    assert.notEqual(close, source);
    const [lines, line] = [source, close].map(formatOf);
    assert.deepEqual([lines?.name, lines?.inside, lines?.behind], ["hermes", "\n", "\n"]);
    assert.deepEqual([line?.name, line?.inside, line?.behind], ["hermes", "", ""]);
    const list = formatOf(toolTemplates["Mistral Nemo"]?.source ?? "");
    assert.equal(list?.inside, "");
  });

  it("is none where the template works with no conversation, or only speaks of tools", () => {
    assert.equal(formatOf("{{ raise_exception('no') }}"), undefined);
    assert.equal(formatOf("{{ messages.none.at.all }}"), undefined);
    assert.equal(formatOf("{% for m in messages %}<tool_call>{{ m.content }}</tool_call>{% endfor %}"), undefined);
    assert.equal(formatOf("{% if tools %}tools{% endif %}<tool_call>{{ messages }}"), undefined);
  });
});
