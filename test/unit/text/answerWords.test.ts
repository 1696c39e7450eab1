import assert from "node:assert/strict";
import { answerWords } from "../../../src/text/answerWords";

const encode = (text: string) => new TextEncoder().encode(text);

describe("The words of answers", () => {
  it("are the bytes of each id, and which ids are marks", () => {
    const words = ["a", "é", "", "<end>", "<tool>"].map(encode);
    const flags = { stripsLeft: false, stripsRight: false, isWord: false, takesSpace: false };
    const tokens = [
      { id: 3, content: "<end>", isControl: true, ...flags },
      { id: 4, content: "<tool>", isControl: false, ...flags },
      { id: 9, content: "<outside>", isControl: true, ...flags },
    ];
    const bytesOf = (id: number) => words[id] ?? new Uint8Array(0);
    const { bytes, ends, controlIds, markIds } = answerWords({ bytesOf, specials: { tokens } }, 6);
    assert.equal(new TextDecoder().decode(bytes), "aé<end><tool>");
    assert.deepEqual([...ends], [1, 3, 3, 8, 14, 14]);
    assert.deepEqual([...controlIds], [3]);
    assert.deepEqual([...markIds], [4]);
  });
});
