import assert from "node:assert/strict";
import { ChatTemplate } from "../../../../src/text/chatTemplate";
import type { TemplateMessage } from "../../../../src/text/messages";

const messages: readonly TemplateMessage[] = [{ role: "user", content: "<".repeat(1000) }];

describe("A template that does harm ends with an error", () => {
  const grow = (start: string, next: string) =>
    `{% set ns = namespace(x=${start}) %}{% for i in range(60) %}{% set ns.x = ${next} %}{% endfor %}`;
  for (const [what, template] of [
    ["loops in loops", "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"],
    ["a search in a loop", "{% set r = range(99999) %}{% for a in r %}{% if -1 in r %}{% endif %}{% endfor %}"],
    ["a filter in a loop", "{% set r = range(99999) %}{% for a in r %}{{ r | select('eq', -1) | list }}{% endfor %}"],
    ["a filter with more than linear work", "{{ range(99999) | unique | length }}"],
    ["a method in a loop", "{% set r = range(99999) | list %}{% for a in r %}{{ r.count(-1) }}{% endfor %}"],
    ["a macro that calls itself", "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"],
    ["a recursive loop", "{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}"],
    ["a text that doubles", grow("'ab'", "ns.x ~ ns.x")],
    ["a text that doubles by a sum", grow("'ab'", "ns.x + ns.x")],
    ["a text that doubles by replacing", grow("'ab'", "ns.x.replace('a', 'aab')")],
    ["a list that doubles", grow("[1]", "ns.x + ns.x")],
    ["a tree that doubles", `${grow("[1]", "[ns.x, ns.x]")}{{ ns.x }}`],
    ["a tree of dicts that doubles", `${grow("[1]", "{'a': ns.x, 'b': ns.x}")}{{ ns.x == ns.x }}`],
    ["a repeated text", "{{ 'a' * 999999999 }}"],
    ["a repeated list", "{{ ([1] * 999999999) | length }}"],
    ["a wide number", "{{ '%999999999d' % 1 }}"],
    ["a wide format", "{{ '{:>999999999}'.format(1) }}"],
    ["a wide text", "{{ 'a'.ljust(999999999) }}{{ 'a'.zfill(999999999) }}"],
    ["a wide centre", "{{ 'a' | center(999999999) }}"],
    ["a deep indent", "{{ [1] | tojson(indent=999999999) }}"],
    ["many slices", "{{ [1] | slice(999999999) | list }}"],
    ["a large batch", "{{ [1] | batch(999999999, 0) | list }}"],
    ["a large text many times", "{% set t = 'a' * 9999999 %}{% for a in range(99999) %}{{ t }}{% endfor %}"],
    ["parentheses in parentheses", `{{ ${"(".repeat(99_999)}1${")".repeat(99_999)} }}`],
  ] as const) {
    it(what, () => {
      const render = () => ChatTemplate.create({ chat_template: template })?.render(messages, true);
      assert.throws(render, /MODEL_UNSUPPORTED/);
    });
  }

  it("and a long conversation of an honest one is far from that", () => {
    const chat_template =
      "{% for m in messages %}{% if m.role == 'user' and not (m.content.startswith('<x>') or 'y' in m.content) %}" +
      "[{{ m.content.split('</think>')[-1] | trim }}]{% endif %}{% endfor %}";
    const long = Array.from({ length: 4000 }, () => ({ role: "user" as const, content: "word ".repeat(200) }));
    const text = ChatTemplate.create({ chat_template })?.render(long, true);
    assert.equal(text?.length, 4000 * 1001);
  });
});
