import assert from "node:assert/strict";
import { decoderBehind } from "../../../src/agents/continuing";
import { createTextModel, type TextModel } from "../../../src/text/textModel";
import { byteLevelTokenizer, sentencePieceTokenizer } from "../../support/text/tinyTokenizers";

const model = createTextModel({
  tokenizer: byteLevelTokenizer(),
  tokenizerConfig: { eos_token: "<|im_end|>" },
  config: {},
});
const ids = (text: string) => [...model.tokenizer.encodeText(text)];

describe("Decoding an answer", () => {
  it("shows no name of the id that ended it", () => {
    const decoder = model.startAnswer([]);
    const [stopId] = model.stopIds;
    const shown = [...ids("hello"), stopId ?? -1].map((id) => decoder.push(id).text).join("");
    assert.equal(shown + decoder.finish().text, "hello");
  });

  it("ends at a stop string and shows nothing of it", () => {
    const decoder = model.startAnswer(["\n\nQ"]);
    let shown = "";
    let stopped = false;
    for (const id of ids("hello\n\nQ: next")) {
      if (stopped) break;
      const step = decoder.push(id);
      shown += step.text;
      stopped = step.stopped;
    }
    assert.deepEqual([shown, stopped], ["hello", true]);
  });

  it("gives at the end what was held back for a stop and for a character", () => {
    const decoder = model.startAnswer(["xyz"]);
    const shown = [...ids("hello xy"), 0xf0].map((id) => decoder.push(id).text).join("");
    assert.equal(shown, "hello ");
    assert.equal(decoder.finish().text, "xy\uFFFD");
  });

  it("leaves the first bytes of a character out where the answer is cut and may go on", () => {
    const decoder = model.startAnswer(["xyz"]);
    const shown = [...ids("hello xy"), 0xf0].map((id) => decoder.push(id).text).join("");
    assert.equal(shown + decoder.finish(true).text, "hello xy");
  });
});

/** What the log has of `ids`, cut behind `at` of them and gone on with. `isOld`: the cut part has no thought of its own. */
function cutAndGoOn(text: TextModel, ids: readonly number[], at: number, stops: readonly string[] = [], isOld = false) {
  const first = text.startAnswer(stops);
  const log = { thought: "", answerText: "" };
  const add = (piece: { readonly hidden: string; readonly text: string }) => {
    log.thought += piece.hidden;
    log.answerText += piece.text;
  };
  for (const id of ids.slice(0, at)) add(first.push(id));
  add(first.finish(true));
  if (isOld) Object.assign(log, { thought: "", answerText: log.thought + log.answerText });
  const second = decoderBehind(text.startAnswer(stops), Int32Array.from(ids.slice(0, at)), { ...log });
  for (const id of ids.slice(at)) {
    const step = second.push(id);
    add(step);
    if (step.stopped) return log;
  }
  add(second.finish());
  return log;
}

describe("Decoding an answer that was cut", () => {
  const texts = ["naïve café, 山 🙂 and  two spaces", " leading space", "🙂", "a\n\nb"];

  it("gives the text of the whole wherever it was cut: half characters, spaces", () => {
    const tokenizers = [byteLevelTokenizer(), sentencePieceTokenizer()];
    for (const tokenizer of tokenizers) {
      const text = createTextModel({ tokenizer, tokenizerConfig: {}, config: {} });
      for (const said of texts) {
        const all = [...text.tokenizer.encodeText(said)];
        for (let at = 0; at <= all.length; at += 1) {
          const { answerText } = cutAndGoOn(text, all, at);
          assert.equal(answerText, text.tokenizer.decode(all), `${said} at ${at}`);
        }
      }
    }
  });

  it("shows nothing twice that was held back for a stop string, and ends at one across the cut", () => {
    const all = ids("hello xy and xyz more");
    for (let at = 0; at <= all.length; at += 1) {
      const { answerText: shown } = cutAndGoOn(model, all, at, ["xyz"]);
      // What was shown of the stop before the cut stays.
      assert.match(shown, /^hello xy and x?y?$/);
    }
    const within = cutAndGoOn(model, ids("hello xy and"), 8, ["xyz"]);
    assert.equal(within.answerText, "hello xy and");
  });

  it("keeps thought and answer apart wherever it was cut, also in the white space before the thought", () => {
    const marks = ["<think>", "</think>"].map((content) => ({ content, special: false }));
    const text = createTextModel({ tokenizer: byteLevelTokenizer(marks), tokenizerConfig: {}, config: {} });
    const thought = "\n \n<think>\nwell\n</think>\n\n";
    const all = text.tokenizer.encodeMarked(`${thought}hello world`);
    for (let at = 0; at <= all.length; at += 1) {
      assert.deepEqual(cutAndGoOn(text, all, at), { thought, answerText: "hello world" }, `at ${at}`);
    }
    const open = thought.indexOf("<think>") + 1;
    for (let at = open; at <= all.length; at += 1) {
      const { thought: apart, answerText } = cutAndGoOn(text, all, at, [], true);
      assert.equal(answerText + apart, `${thought}hello world`, `an earlier version's at ${at}`);
    }
  });
});
