import assert from "node:assert/strict";
import { eosIds } from "../../../src/text/eos";

const idOf = (token: string) => ({ "</s>": 2, "<|im_end|>": 7 })[token];

describe("The ids that end an answer", () => {
  it("come from all three files, numbers and lists alike, each once", () => {
    const files = {
      config: { eos_token_id: 2 },
      generationConfig: { eos_token_id: [2, 5] },
      tokenizerConfig: { eos_token: { content: "<|im_end|>" } },
    };
    assert.deepEqual(eosIds(files, idOf), [2, 5, 7]);
    assert.deepEqual(eosIds({ config: {}, tokenizerConfig: { eos_token: "</s>" } }, idOf), [2]);
  });

  it("are none where the files say nothing sound", () => {
    const files = { config: { eos_token_id: null }, generationConfig: [], tokenizerConfig: { eos_token: "unknown" } };
    assert.deepEqual(eosIds(files, idOf), []);
    assert.deepEqual(eosIds({ config: { eos_token_id: -1 }, tokenizerConfig: undefined }, idOf), []);
  });
});
