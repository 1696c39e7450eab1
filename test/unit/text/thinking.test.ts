import assert from "node:assert/strict";
import type { Thinking } from "../../../src/common/thinking";
import { ChatTemplate } from "../../../src/text/chatTemplate";

function templateOf(source: string): ChatTemplate {
  const template = ChatTemplate.create({ chat_template: source });
  assert.ok(template !== undefined);
  return template;
}

const render = (source: string, thinking?: Thinking) => templateOf(source).render([], true, thinking && { thinking });

/** The forms of real templates: Qwen 3, DeepSeek 3.1, gpt-oss, Seed-OSS, Nemotron, Qwen 3.6 with GLM's. */
const qwen = "{% if enable_thinking is defined and enable_thinking is false %}<think></think>{% endif %}";
const deepseek = "{% if not thinking is defined %}{% set thinking = false %}{% endif %}{{ thinking }}";
const harmony =
  "{% if reasoning_effort is not defined %}{% set reasoning_effort = 'medium' %}{% endif %}{{ reasoning_effort }}";
const cohere = "{{ 'off' if reasoning_effort is defined and reasoning_effort == 'none' else 'on' }}";
const seed = "{% if thinking_budget is defined and thinking_budget == 0 %}no budget{% endif %}";
const nemotron =
  "{% set keep = truncate_history_thinking if truncate_history_thinking is defined else true %}{{ keep }}";
const kept =
  "{{ preserve_thinking is defined and preserve_thinking }}{{ clear_thinking is defined and clear_thinking }}";

describe("Thinking in a template", () => {
  it("can be chosen where the template asks, under its own name", () => {
    for (const [source, choices] of [
      [qwen, ["on", "off"]],
      [deepseek, ["on", "off"]],
      [harmony, ["on", "off"]],
      [seed, ["on", "off"]],
      [nemotron, ["kept"]],
      [`${qwen}${kept}`, ["on", "off", "kept"]],
      ["{{ messages }}", []],
      ["{% for m in messages %}{% set thinking = m.thinking %}{{ thinking }}{% endfor %}", []],
    ] as const) {
      assert.deepEqual(templateOf(source).thinkingChoices, choices, source);
    }
  });

  it("is told as chosen, and not at all where nothing was chosen", () => {
    assert.deepEqual([render(qwen), render(qwen, "on"), render(qwen, "off")], ["", "", "<think></think>"]);
    assert.deepEqual([render(deepseek), render(deepseek, "on"), render(deepseek, "off")], ["False", "True", "False"]);
    assert.deepEqual([render(seed), render(seed, "on"), render(seed, "off")], ["", "", "no budget"]);
  });

  it("is an effort where the template asks for that: the lowest that it knows is off", () => {
    assert.deepEqual([render(harmony), render(harmony, "on"), render(harmony, "off")], ["medium", "high", "low"]);
    assert.deepEqual([render(cohere), render(cohere, "on"), render(cohere, "off")], ["on", "on", "off"]);
    const both = `${deepseek}{{ reasoning_effort is defined }}`;
    assert.equal(render(both, "on"), "TrueFalse");
  });

  it("of earlier answers is kept on demand", () => {
    assert.deepEqual([render(kept), render(kept, "kept")], ["FalseFalse", "TrueFalse"]);
    assert.deepEqual([render(nemotron), render(nemotron, "kept")], ["True", "False"]);
    assert.equal(render(qwen, "kept"), "");
  });
});
