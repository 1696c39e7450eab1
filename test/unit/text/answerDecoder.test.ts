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

/** The text of `ids`, cut behind `at` of them and gone on with. */
function cutAndGoOn(text: TextModel, ids: readonly number[], at: number, stops: readonly string[] = []): string {
  const first = text.startAnswer(stops);
  let shown = "";
  for (const id of ids.slice(0, at)) shown += first.push(id).text;
  shown += first.finish(true).text;
  const second = decoderBehind(text.startAnswer(stops), Int32Array.from(ids.slice(0, at)), shown);
  for (const id of ids.slice(at)) {
    const step = second.push(id);
    shown += step.text;
    if (step.stopped) return shown;
  }
  return shown + second.finish().text;
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
          assert.equal(cutAndGoOn(text, all, at), text.tokenizer.decode(all), `${said} at ${at}`);
        }
      }
    }
  });

  it("shows nothing twice that was held back for a stop string, and ends at one across the cut", () => {
    const all = ids("hello xy and xyz more");
    for (let at = 0; at <= all.length; at += 1) {
      const shown = cutAndGoOn(model, all, at, ["xyz"]);
      // What was shown of the stop before the cut stays.
      assert.match(shown, /^hello xy and x?y?$/);
    }
    const within = cutAndGoOn(model, ids("hello xy and"), 8, ["xyz"]);
    assert.equal(within, "hello xy and");
  });
});
