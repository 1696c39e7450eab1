import assert from "node:assert/strict";
import { toolFormats } from "../../../../src/text/tools/formats";
import {
  heard,
  piecesOf,
  type Recorded,
  recordedFormats,
  splits,
  type Vocabulary,
  vocabularies,
} from "../../../support/text/toolTexts";

function counts(row: Recorded, vocabulary: Vocabulary): boolean {
  if (vocabulary === "spelt" && row.spelt === false) return false;
  return vocabulary === "tokens" || row.tokensOnly !== true;
}

for (const { format: name, rows, cut } of recordedFormats) {
  const format = toolFormats[name];
  const check = (row: Recorded, isCut: boolean) => {
    for (const vocabulary of vocabularies.filter((each) => counts(row, each))) {
      for (const pieces of splits(piecesOf(format, row.text, vocabulary))) {
        const { shown, raw, calls, dropped } = heard(format, pieces, vocabulary, isCut);
        const where = `${vocabulary}: ${JSON.stringify(pieces.map(({ text }) => text))}`;
        assert.deepEqual(calls, row.calls, where);
        assert.equal(shown, row.shown, where);
        assert.equal(raw, row.text, where);
        const [first] = dropped;
        if (row.dropped === undefined) assert.equal(first, undefined, where);
        else assert.deepEqual({ ...row.dropped, text: first?.text }, first, where);
      }
    }
  };

  describe(`Calls as ${name} has them, cut at every place`, () => {
    for (const row of rows) it(row.what, () => check(row, false));
  });

  describe(`Calls as ${name} has them, when the answer was cut`, () => {
    for (const row of cut) it(row.what, () => check(row, true));
  });
}
