import assert from "node:assert/strict";
import { ChatTemplate } from "../../../src/text/chatTemplate";
import type { ChatMessage } from "../../../src/text/messages";

const messages: readonly ChatMessage[] = [
  { role: "system", content: "Be brief." },
  { role: "user", content: "Hi" },
];
const render = (config: object, file?: string) => ChatTemplate.create(config, file)?.render(messages, true);

describe("The chat template", () => {
  it("renders messages with the model's tokens", () => {
    const chat_template =
      "{{ bos_token }}{% for m in messages %}[{{ m.role }}]{{ m.content | trim }}{{ eos_token }}{% endfor %}" +
      "{% if add_generation_prompt %}[assistant]{% endif %}";
    const config = { chat_template, bos_token: "<s>", eos_token: { content: "</s>" } };
    assert.equal(render(config), "<s>[system]Be brief.</s>[user]Hi</s>[assistant]");
  });

  it("is the default one of a list", () => {
    const named = (name: string, template: string) => ({ name, template });
    assert.equal(render({ chat_template: [named("tool_use", "tools"), named("default", "plain")] }), "plain");
    assert.equal(render({ chat_template: [named("only", "that")] }), "that");
  });

  it("in a file of its own goes before the configuration's", () => {
    assert.equal(render({ chat_template: "old" }, "new"), "new");
  });

  it("may be absent", () => {
    assert.equal(ChatTemplate.create({}), undefined);
    assert.equal(ChatTemplate.create(undefined), undefined);
  });

  it("that refuses the conversation says why", () => {
    const config = { chat_template: "{{ raise_exception('roles must alternate') }}" };
    assert.throws(() => render(config), /INVALID_REQUEST.*roles must alternate/);
  });

  it("that does not work is the model's fault, when it is read or when it runs", () => {
    assert.throws(() => ChatTemplate.create({ chat_template: "{% for %}" }), /MODEL_UNSUPPORTED/);
    assert.throws(() => render({ chat_template: "{{ messages | nosuchfilter }}" }), /MODEL_UNSUPPORTED/);
  });

  it("gets no date if it does without, so that the prompt stays the same tomorrow", () => {
    const guarded = "{% if strftime_now is defined %}{{ strftime_now('%Y') }}{% else %}fixed{% endif %}";
    assert.equal(render({ chat_template: guarded }), "fixed");
    assert.match(render({ chat_template: "{{ strftime_now('%Y-%m %B') }}" }) ?? "", /^\d{4}-\d{2} [A-Z][a-z]+$/);
  });

  it("that insists on a date gets the day, whatever the time is", () => {
    const template = ChatTemplate.create({ chat_template: "{{ strftime_now('%-d %B %Y %H:%M') }}" });
    assert.equal(template?.insistsOnDate, true);
    assert.equal(template.render(messages, true, { day: "2026-03-05" }), "5 March 2026 00:00");
    const guarded = "{% if strftime_now is defined %}{{ strftime_now('%Y') }}{% endif %}";
    assert.equal(ChatTemplate.create({ chat_template: guarded })?.insistsOnDate, false);
  });

  it("is told that there are no tools and no documents, as transformers tells it", () => {
    const chat_template =
      "{{ tools is none and documents is none }}{% if tools is not none %}{{ tools | length }}{% endif %}";
    assert.equal(render({ chat_template }), "True");
  });

  it("gets further variables by their names", () => {
    const chat_template = "{{ enable_thinking }}{% for t in tools %}{{ t.name }}{% endfor %}{{ missing is defined }}";
    const variables = { enable_thinking: false, tools: [{ name: "f" }], missing: undefined };
    assert.equal(ChatTemplate.create({ chat_template })?.render(messages, true, { variables }), "FalsefFalse");
  });

  it("is told which tools there are, what an answer called, and what came of it", () => {
    const source =
      "{% for t in tools %}{{ t.function.name }};{% endfor %}{% for m in messages %}{{ m.role }}:{{ m.content }}" +
      "{% for c in m.tool_calls %}{{ c.function.name }}{{ c.function.arguments | tojson }}{% endfor %} {% endfor %}";
    const call = { id: "c1", type: "function", function: { name: "look", arguments: { at: "é", n: 1 } } };
    const text = ChatTemplate.create({ chat_template: source })?.render(
      [
        { role: "user", content: "a" },
        { role: "assistant", content: "", tool_calls: [call] },
        { role: "tool", content: "b", name: "look", tool_call_id: "c1" },
      ],
      true,
      { variables: { tools: [{ type: "function", function: { name: "look" } }] } },
    );
    assert.equal(text, 'look;user:a assistant:look{"at": "é", "n": 1} tool:b ');
  });

  it("has lines that end in a newline, however its file ends them", () => {
    assert.equal(render({ chat_template: "a\r\n{{ messages[1].content }}\r\nb\r\n" }), "a\nHi\nb");
  });

  it("strips the white space that Python strips", () => {
    const strip = (content: string) =>
      ChatTemplate.create({
        chat_template: "{{ messages[0].content.strip() }}|{{ messages[0].content | trim }}",
      })?.render([{ role: "user", content }], true);
    assert.equal(strip("\uFEFFa\u0085\u001C"), "\uFEFFa|\uFEFFa");
  });

  it("has range, none and the Python names of the constants", () => {
    const chat_template = "{% for i in range(1, 6, 2) %}{{ i }}{% endfor %}{% if None is none and True %}!{% endif %}";
    assert.equal(render({ chat_template }), "135!");
  });
});
