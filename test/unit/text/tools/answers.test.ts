import assert from "node:assert/strict";
import { decoderBehind } from "../../../../src/agents/continuing";
import type { ToolCall, ToolMode, ToolSpec } from "../../../../src/common/tools";
import { createTextModel, type TextModel } from "../../../../src/text/textModel";
import type { SaidPiece } from "../../../../src/text/thinkingSplitter";
import { byteLevelTokenizer } from "../../../support/text/tinyTokenizers";
import { toolTemplates } from "../../../support/text/toolTemplates";
import { recordedTools } from "../../../support/text/toolTexts";

const control = (...contents: readonly string[]) => contents.map((content) => ({ content, special: true }));
const word = (...contents: readonly string[]) => contents.map((content) => ({ content, special: false }));

function modelOf(template: string, added: Parameters<typeof byteLevelTokenizer>[0], eos_token: string): TextModel {
  const chat_template = toolTemplates[template]?.source;
  return createTextModel({
    tokenizer: byteLevelTokenizer(added),
    tokenizerConfig: { chat_template, eos_token },
    config: {},
  });
}

const qwen = modelOf(
  "Qwen2.5, Qwen3, Granite 4",
  [...control("<|im_start|>", "<|im_end|>"), ...word("<think>", "</think>", "<tool_call>", "</tool_call>")],
  "<|im_end|>",
);
const llama = modelOf("Llama 3", control("<|eot_id|>", "<|eom_id|>", "<|python_tag|>"), "<|eot_id|>");
const harmonyMarks = ["<|start|>", "<|channel|>", "<|message|>", "<|constrain|>", "<|end|>", "<|return|>", "<|call|>"];
const gptOss = modelOf("gpt-oss", control(...harmonyMarks), "<|return|>");

interface Settings {
  readonly stops?: readonly string[];
  readonly mode?: ToolMode | "absent";
  readonly isCut?: boolean;
  readonly prompt?: string;
  readonly tools?: readonly ToolSpec[];
}

/** What comes of the ids of an answer, in which marks are tokens. */
function heard(model: TextModel, answer: string, settings: Settings = {}) {
  const { stops = [], mode = "auto", isCut = false, prompt = "" } = settings;
  const tools = mode === "absent" ? undefined : { tools: settings.tools ?? recordedTools, mode };
  const decoder = model.startAnswer(stops, Int32Array.from(model.tokenizer.encodeMarked(prompt)), tools);
  const pieces: SaidPiece[] = [];
  let stopped = false;
  for (const id of model.tokenizer.encodeMarked(answer)) {
    if (stopped) break;
    const { stopped: now, ...piece } = decoder.push(id);
    pieces.push(piece);
    stopped = now;
  }
  if (!stopped) pieces.push(decoder.finish(isCut));
  const all = (part: (piece: SaidPiece) => string) => pieces.map(part).join("");
  return {
    text: all(({ text }) => text),
    hidden: all((piece) => piece.hidden),
    thought: all((piece) => piece.thought),
    raw: all(({ raw, text }) => raw ?? text),
    calls: pieces.flatMap(({ calls = [] }) => calls.map(({ name, arguments: given }) => ({ name, arguments: given }))),
    ids: pieces.flatMap(({ calls = [] }) => calls.map(({ id }) => id)),
    dropped: pieces.flatMap(({ dropped }) => dropped?.reason ?? []),
    stopped,
    isPlain: pieces.every((piece) => piece.raw === undefined && piece.calls === undefined),
  };
}

const call = '<tool_call>\n{"name": "read_file", "arguments": {"path": "a"}}\n</tool_call>';
const readA = { name: "read_file", arguments: { path: "a" } };

describe("the marks that open a call", () => {
  it("are told by their ids where they open nothing else", () => {
    const ids = (model: TextModel, ...marks: readonly string[]) => marks.map((mark) => model.tokenizer.idOf(mark));
    assert.deepEqual(qwen.callOpenerIds, ids(qwen, "<tool_call>"));
    assert.deepEqual(llama.callOpenerIds, ids(llama, "<|python_tag|>"));
    assert.deepEqual(gptOss.callOpenerIds, [], "they open its other messages too");
  });
});

describe("an argument that no schema names", () => {
  const tool = (more: object): ToolSpec => ({
    name: "run",
    description: "Runs.",
    parameters: { type: "object", properties: { command: { type: "string" } }, required: ["command"], ...more },
  });
  const call = '{"name": "run", "arguments": {"command": "ls", "exit_code": 0}}';

  it("is left out where the schema allows no others", () => {
    const closed = heard(qwen, call, { tools: [tool({ additionalProperties: false })] });
    assert.deepEqual(closed.calls, [{ name: "run", arguments: { command: "ls" } }]);
    const open = heard(qwen, call, { tools: [tool({})] });
    assert.deepEqual(open.calls, [{ name: "run", arguments: { command: "ls", exit_code: 0 } }]);
    const typed = heard(qwen, call, { tools: [tool({ additionalProperties: { type: "integer" } })] });
    assert.deepEqual(typed.calls, open.calls);
  });
});

describe("An answer with calls", () => {
  it("has its thought, its text and its calls apart; hidden and raw are everything that was said", () => {
    const thought = "<think>\nI use <tool_call> now\n</think>\n\n";
    const said = `I look.\n${call}<|im_end|>`;
    const { text, hidden, raw, calls, ids } = heard(qwen, thought + said);
    assert.deepEqual({ text, hidden, calls }, { text: "I look.", hidden: thought, calls: [readA] });
    assert.equal(raw, `I look.\n${call}`);
    assert.match(ids.join(), /^[0-9A-Za-z]{9}$/);
  });

  it("gives each call an id of its own", () => {
    const { ids } = heard(qwen, Array.from({ length: 50 }, () => call).join("\n"));
    assert.deepEqual([ids.length, new Set(ids).size], [50, 50]);
  });

  it("is text only without tools, where none may be called, and for a model that takes none", () => {
    for (const mode of ["absent", "none"] as const) {
      const { text, calls, isPlain } = heard(qwen, call, { mode });
      assert.deepEqual({ text, calls, isPlain }, { text: call, calls: [], isPlain: true }, mode);
    }
    const { text, isPlain } = heard(qwen, call, { tools: [] });
    assert.deepEqual({ text, isPlain }, { text: call, isPlain: true });
    const plain = modelOf("SmolLM2, Phi-3", control("<|im_start|>", "<|im_end|>"), "<|im_end|>");
    assert.equal(plain.toolFormat, undefined);
    assert.deepEqual(heard(plain, call).text, call);
  });

  it("makes no call in its thought, nor in three rounds of thoughts only", () => {
    for (let round = 0; round < 3; round += 1) {
      const { text, thought, calls, dropped } = heard(qwen, `<think>I say ${call} or <tool_call>`, { isCut: true });
      assert.deepEqual({ text, calls, dropped }, { text: "", calls: [], dropped: [] });
      assert.equal(thought, `I say ${call} or <tool_call>`);
    }
  });

  it("is all thought where the template opened it and the model did not come to its end", () => {
    const settings = { prompt: "<|im_start|>assistant\n<think>\n", isCut: true };
    const { text, thought, calls, dropped } = heard(qwen, `I shall say ${call}`, settings);
    assert.deepEqual(
      { text, thought, calls, dropped },
      { text: "", thought: `I shall say ${call}`, calls: [], dropped: [] },
    );
    assert.deepEqual(heard(qwen, `well</think>\n\n${call}`, settings).calls, [readA]);
  });

  it("ends at a stop string of its text, not of its calls, and calls nothing behind it", () => {
    const inside = heard(qwen, `So\n${call}`, { stops: ["path", "\n</tool_call>", "name"] });
    assert.deepEqual([inside.text, inside.calls, inside.stopped], ["So", [readA], false]);
    const before = heard(qwen, `So STOP\n${call}`, { stops: ["STOP"] });
    assert.deepEqual([before.text, before.raw, before.calls, before.stopped], ["So ", "So ", [], true]);
    const behind = heard(qwen, `So\n${call}\nthen STOP it`, { stops: ["STOP"] });
    assert.deepEqual([behind.text, behind.calls, behind.stopped], ["Sothen ", [readA], true]);
    assert.equal(behind.raw, `So\n${call}\nthen `);
    const held = heard(qwen, `So ST\n${call}`, { stops: ["STOP"] });
    assert.deepEqual([held.text, held.raw, held.calls, held.stopped], ["So ST", `So ST\n${call}`, [readA], false]);
  });

  it("drops a call that was cut, and says so", () => {
    const cut = 'So\n<tool_call>\n{"name": "write_file", "arguments": {"path": "a", "content": "half';
    const { text, calls, dropped, raw } = heard(qwen, cut, { isCut: true });
    assert.deepEqual({ text, calls, dropped, raw }, { text: "So", calls: [], dropped: ["cut"], raw: cut });
  });

  it("has whole characters in its arguments, though each byte is a token", () => {
    const said = call.replace('"a"', '"naïve 山 🙂👩‍👩‍👧 ď"');
    assert.deepEqual(heard(qwen, said).calls, [{ name: "read_file", arguments: { path: "naïve 山 🙂👩‍👩‍👧 ď" } }]);
    assert.deepEqual(heard(qwen, `x🙂${said}`, { stops: ["🙂"] }).text, "x");
  });

  it("may end with a token of its own, which ends the answer though no file names it", () => {
    const idOf = (token: string) => llama.tokenizer.encodeMarked(token)[0];
    assert.deepEqual(llama.stopIds, [idOf("<|eot_id|>"), idOf("<|eom_id|>")]);
    const said = '<|python_tag|>{"name": "read_file", "parameters": {"path": "a"}}';
    const { text, calls, raw, dropped } = heard(llama, `${said}<|eom_id|>`);
    assert.deepEqual({ text, calls, raw, dropped }, { text: "", calls: [readA], raw: said, dropped: [] });
  });
});

describe("An answer with calls that was cut and goes on", () => {
  const said: readonly (readonly [TextModel, string, number])[] = [
    [qwen, `<think>\nwell\n</think>\n\nI look.\n\n${call}\n${call}\n`, 2],
    [qwen, `{"name": "now", "arguments": {}}`, 1],
    [qwen, "a <b> [c] {d}  \n\ne", 0],
    [llama, '{"name": "now", "parameters": {}}; {"name": "now", "parameters": {}}', 2],
    [
      gptOss,
      "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>commentary to=functions.now<|message|>{}<|call|>",
      1,
    ],
  ];

  it("has everything that was said and called once, wherever it was cut", () => {
    for (const [model, answer, count] of said) {
      const tools = { tools: recordedTools, mode: "auto" as const };
      const ids = model.tokenizer.encodeMarked(answer);
      const whole = heard(model, answer);
      for (let at = 0; at <= ids.length; at += 1) {
        const log = { thought: "", answerText: "", raw: "", calls: [] as ToolCall[] };
        const add = (piece: SaidPiece) => {
          log.thought += piece.hidden;
          log.answerText += piece.text;
          log.raw += piece.raw ?? piece.text;
          log.calls.push(...(piece.calls ?? []));
        };
        const first = model.startAnswer([], undefined, tools);
        for (const id of ids.slice(0, at)) add(first.push(id));
        add(first.finish(true));
        const second = decoderBehind(model.startAnswer([], undefined, tools), Int32Array.from(ids.slice(0, at)), {
          ...log,
        });
        for (const id of ids.slice(at)) add(second.push(id));
        add(second.finish());
        const where = `${answer} at ${at}`;
        assert.equal(log.raw, whole.raw, where);
        assert.equal(log.thought, whole.hidden, where);
        assert.equal(log.calls.length, count, where);
        // The beginning of a call that has no mark may have been shown before the cut.
        if (!answer.startsWith("{")) assert.equal(log.answerText, whole.text, where);
      }
    }
  });
});

describe("An answer of harmony with calls", () => {
  const thought = "<|channel|>analysis<|message|>Hm.<|end|>";
  const header = "<|start|>assistant<|channel|>commentary to=functions.read_file <|constrain|>json<|message|>";

  it("has the header of a call in its answer, other headers in its thought", () => {
    const { text, hidden, raw, calls } = heard(gptOss, `${thought}${header}{"path": "a"}<|call|>`);
    assert.deepEqual({ text, calls, hidden }, { text: "", calls: [readA], hidden: thought });
    assert.equal(raw, `${header}{"path": "a"}`);
    const final = heard(gptOss, `${thought}<|start|>assistant<|channel|>final<|message|>Hello<|return|>`);
    assert.deepEqual([final.text, final.thought, final.calls], ["Hello", "Hm.", []]);
    assert.equal(final.hidden, `${thought}<|start|>assistant<|channel|>final<|message|>`);
  });

  it("may have its call on the channel of thoughts, or behind a bad header", () => {
    for (const bad of [
      "<|channel|>analysis to=functions.read_file <|constrain|>json<|message|>",
      "<|start|>assistant to=functions.read_file<|channel|>analysis<|message|>",
      "<|channel|>commentary to=functions.read_file<|channel|>commentary json<|message|>",
      "<|channel|>commentary to=functions.read_file <|constrain|>json",
      "<|channel|>functions.read_file<|message|>",
      " to=functions.read_file<|channel|>commentary json<|message|>",
      " to=functions.read_file <|channel|>analysis<|message|>",
    ]) {
      const { text, calls } = heard(gptOss, `${bad}{"path": "a"}<|call|>`);
      assert.deepEqual({ text, calls }, { text: "", calls: [readA] }, bad);
    }
  });

  it("has a thought where a header names no tool, however bad it is", () => {
    for (const bad of [
      "<|channel|>analysis code<|message|>",
      "<|channel|><|message|>",
      "<|channel|>x<|channel|>analysis<|message|>",
    ]) {
      const { text, thought: inside, calls } = heard(gptOss, `${bad}Hm.<|end|>`);
      assert.deepEqual({ text, inside, calls }, { text: "", inside: "Hm.", calls: [] }, bad);
    }
  });

  it("is text where it begins with what might be a recipient", () => {
    for (const said of ["t", "to", "to=", "to= x", "total", " to=functions.read_file", "to you"]) {
      const { text, hidden, calls } = heard(gptOss, said);
      assert.deepEqual({ text, hidden, calls }, { text: said, hidden: "", calls: [] });
    }
  });

  it("is what it was where no call may be made", () => {
    const said = `${thought}${header}{"path": "a"}`;
    const { text, hidden, isPlain } = heard(gptOss, said, { mode: "none" });
    assert.deepEqual({ text, hidden, isPlain }, { text: "", hidden: said, isPlain: true });
  });

  it("drops a call that was cut; a header that was cut is left out until it goes on", () => {
    assert.deepEqual(heard(gptOss, `${thought}${header}{"path`, { isCut: true }).dropped, ["cut"]);
    const { hidden, raw } = heard(gptOss, `${thought}<|start|>assistant<|channel|>comm`, { isCut: true });
    assert.deepEqual({ hidden, raw }, { hidden: thought, raw: "" });
  });
});
