import assert from "node:assert/strict";
import { createTextModel } from "../../../src/text/textModel";
import { byteLevelTokenizer } from "../../support/text/tinyTokenizers";

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
    assert.equal(shown + decoder.finish(), "hello");
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
    assert.equal(decoder.finish(), "xy\uFFFD");
  });
});
