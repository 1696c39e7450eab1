import assert from "node:assert/strict";
import type { ChatMessage } from "../../../src/text/messages";
import { createTextModel } from "../../../src/text/textModel";
import { byteLevelTokenizer } from "../../support/text/tinyTokenizers";
import { callOf, resultOf, tools } from "../../support/text/toolRounds";

const plain =
  "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}" +
  "{% for c in m.tool_calls or [] %}[call {{ c.function.name }} {{ c.function.arguments | tojson }}]{% endfor %}<|im_end|>\n{% endfor %}";
/** Says why it refuses. */
const unless = (test: string, reason: string) => `{% if not (${test}) %}{{ raise_exception('${reason}') }}{% endif %}`;
const inLoop = (checks: string) => plain.replace("{% for m in messages %}", `{% for m in messages %}${checks}`);
const systemFirst = inLoop(unless("loop.first or m.role != 'system'", "system must be first"));
const noSystem = inLoop(unless("m.role != 'system'", "no system"));
const known = inLoop(unless("m.role in ['system', 'user', 'assistant']", "unknown role"));
const alternating = inLoop(
  unless("(m.role == 'user') == (loop.index0 % 2 == 0)", "roles must alternate") +
    unless("m.role in ['user', 'assistant']", "unknown role"),
);
const single = inLoop(unless("not m.tool_calls or m.tool_calls | length == 1", "single calls only"));
const asked = inLoop(
  unless("m.role != 'tool' or messages[loop.index0 - 1].role in ['tool', 'assistant']", "a result without a call"),
);

function builderOf(chat_template: string) {
  const { prompts, tokenizer } = createTextModel({
    tokenizer: byteLevelTokenizer(),
    tokenizerConfig: { chat_template, eos_token: "<|im_end|>" },
    config: {},
  });
  return async (messages: readonly ChatMessage[]) =>
    tokenizer
      .decode((await prompts.build(messages, [], undefined, { tools })).ids)
      .replaceAll("<|im_end|>\n", ";")
      .replaceAll("<|im_start|>", "");
}

const user = (text: string): ChatMessage => ({ role: "user", content: text });
const system = (text: string): ChatMessage => ({ role: "system", content: text });
const answer = (text: string): ChatMessage => ({ role: "assistant", content: text });
const call = callOf("a", "1");
const other = callOf("b", "2");
const calling = (text: string, calls = [call]): ChatMessage => ({ role: "assistant", content: text, calls });

describe("Messages in an order that the template refuses", () => {
  it("stay as they are where it takes them", async () => {
    const render = builderOf(plain);
    assert.equal(
      await render([system("s"), user("a"), system("t"), user("b"), user("c")]),
      "system\ns;user\na;system\nt;user\nb;user\nc;",
    );
  });

  it("have their system messages at the front", async () => {
    const render = builderOf(systemFirst);
    assert.equal(
      await render([user("a"), system("s"), answer("b"), system("t"), user("c")]),
      "system\ns\n\nt;user\na;assistant\nb;user\nc;",
    );
    assert.equal(await render([system("s"), user("a")]), "system\ns;user\na;");
  });

  it("have no system message where it takes none, wherever they stand", async () => {
    const render = builderOf(noSystem);
    assert.equal(await render([system("s"), user("a")]), "user\ns\n\na;");
    assert.equal(await render([system("s"), user("a"), system("t"), user("b")]), "user\ns\n\nt\n\na;user\nb;");
    assert.equal(await render([system("s")]), "user\ns;");
  });

  it("alternate where they must", async () => {
    const render = builderOf(alternating);
    assert.equal(
      await render([user("a"), user("b"), answer("c"), answer("d"), user("e")]),
      "user\na\n\nb;assistant\nc\n\nd;user\ne;",
    );
    assert.equal(await render([answer("a"), user("b")]), "user\n(The beginning is missing.);assistant\na;user\nb;");
    assert.equal(await render([system("s"), user("a"), user("b")]), "user\ns\n\na\n\nb;");
    assert.equal(
      await render([system("s"), user("a"), calling("b"), resultOf(call, "text"), user("c")]),
      'user\ns\n\na;assistant\nb[call read_file {"path": "a"}];user\nResult of read_file:\ntext\n\nc;',
    );
  });

  it("have calls and results as text where there is no role for results", async () => {
    const render = builderOf(known);
    assert.equal(
      await render([user("a"), calling("b"), resultOf(call, "text")]),
      'user\na;assistant\nb[call read_file {"path": "a"}];user\nResult of read_file:\ntext;',
    );
  });

  it("call one tool at a time", async () => {
    const render = builderOf(single);
    const both = calling("b", [call, other]);
    assert.equal(
      await render([user("a"), both, resultOf(call, "x"), resultOf(other, "y"), user("c")]),
      'user\na;assistant\nb[call read_file {"path": "a"}];tool\nx;assistant\n[call read_file {"path": "b"}];tool\ny;user\nc;',
    );
    assert.equal(
      await render([user("a"), both, resultOf(other, "y")]),
      'user\na;assistant\nb[call read_file {"path": "a"}];assistant\n[call read_file {"path": "b"}];tool\ny;',
    );
  });

  it("have a result that nobody asked for as text", async () => {
    const render = builderOf(asked);
    const lost = resultOf(callOf("x", "9"), "lost");
    assert.equal(
      await render([user("a"), lost, calling("", [call]), resultOf(call, "text")]),
      'user\na;user\nResult of read_file:\nlost;assistant\n[call read_file {"path": "a"}];tool\ntext;',
    );
    assert.equal(await builderOf(plain)([user("a"), lost]), "user\na;tool\nlost;");
  });

  it("are refused with the template's reason where nothing helps", async () => {
    const never = builderOf("{{ raise_exception('not today') }}");
    await assert.rejects(
      never([system("s"), user("a"), user("b"), calling("c"), resultOf(call, "d")]),
      /INVALID_REQUEST.*not today/,
    );
    const broken = builderOf("{{ messages | nosuchfilter }}");
    await assert.rejects(broken([user("a"), user("b")]), /MODEL_UNSUPPORTED/);
  });
});
