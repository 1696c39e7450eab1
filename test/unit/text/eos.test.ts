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

  it("are all that files name which disagree, whichever of them is a list", () => {
    const tokenizerConfig = { eos_token: "</s>" };
    const ids = (config: unknown, generationConfig: unknown) =>
      [
        ...eosIds(
          { config: { eos_token_id: config }, generationConfig: { eos_token_id: generationConfig }, tokenizerConfig },
          idOf,
        ),
      ].sort();
    assert.deepEqual(ids(7, 5), [2, 5, 7]);
    assert.deepEqual(ids([7, 8], 5), [2, 5, 7, 8]);
    assert.deepEqual(ids([7], [5, 7]), [2, 5, 7]);
    assert.deepEqual(ids(undefined, null), [2]);
  });

  it("are ids of the model's vocabulary: what else is named is left out", () => {
    const files = {
      config: { vocab_size: 8, eos_token_id: [3, 8, 1e9, 2.5, "4", true, null] },
      generationConfig: { eos_token_id: [-2, 6, 8] },
      tokenizerConfig: { eos_token: "<|far|>" },
    };
    assert.deepEqual(
      eosIds(files, (token) => (token === "<|far|>" ? 9 : undefined)),
      [6, 3],
    );
  });

  it("are none where the files say nothing sound", () => {
    const files = { config: { eos_token_id: null }, generationConfig: [], tokenizerConfig: { eos_token: "unknown" } };
    assert.deepEqual(eosIds(files, idOf), []);
    assert.deepEqual(eosIds({ config: { eos_token_id: -1 }, tokenizerConfig: undefined }, idOf), []);
  });
});
