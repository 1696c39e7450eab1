import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { TextTokenizer } from "../../src/text/tokenizer";
import { differingTexts, hardTexts, realTokenizers } from "../support/text/hardTexts";
import { fetchedTokenizers } from "./fetched";

/** Of a thousand texts, how many may have other ids. (What Unicode says of rare marks depends on Node's version.) */
const mostDiffering = 2;

describe("Hard texts, with real tokenizers", () => {
  before(() => {
    const { status } = spawnSync(process.execPath, ["test/tokenizers/packages.mjs"], { stdio: "inherit" });
    assert.equal(status, 0, "the tokenizers could not be fetched");
  });

  for (const [name, recorded] of Object.entries(realTokenizers)) {
    if (name.startsWith("SmolLM2")) continue;
    it(`have Hugging Face's ids: ${name}`, () => {
      const tokenizer = TextTokenizer.create(fetchedTokenizers(name), {});
      const { ids, decoded } = differingTexts(tokenizer, recorded);
      console.log(`      ${name}: ${(100 - (100 * ids.length) / hardTexts.length).toFixed(2)} %`, ids);
      assert.ok(1000 * ids.length <= mostDiffering * hardTexts.length, JSON.stringify(ids));
      assert.deepEqual(decoded, []);
    });
  }
});
