import assert from "node:assert/strict";
import { chars, type Expression, Grammar, literal, repeat, sequence } from "../../../../src/text/tools/ebnf";
import { integersBetween, numberText } from "../../../../src/text/tools/numberGrammar";
import { beginningOtherThan, textOtherThan, textUntil } from "../../../../src/text/tools/textGrammar";
import { Random } from "../../../support/random";
import { allows, readEbnf, sampled } from "../../../support/text/ebnfText";

function rulesOf(root: Expression, grammar = new Grammar()) {
  grammar.set("root", root);
  return readEbnf(grammar.text());
}

/** All texts of these letters with at most `most` of them. */
function textsOf(alphabet: string, most: number): readonly string[] {
  let level = [""];
  const all = [...level];
  for (let length = 1; length <= most; length += 1) {
    level = level.flatMap((text) => Array.from(alphabet, (letter) => text + letter));
    all.push(...level);
  }
  return all;
}

describe("The grammar of a text", () => {
  for (const mark of ["<", "<a", "<ab", "<aba", "<abab"]) {
    it(`that goes on to ${mark} is every text without it, and none with it`, () => {
      const rules = rulesOf(sequence(textUntil(mark), literal(mark)));
      for (const text of textsOf("<abc", 5)) {
        assert.equal(allows(rules, text + mark), (text + mark).indexOf(mark) === text.length, text);
      }
    });
  }

  it("that begins with none of some words, or is none of them, is just that", () => {
    const words = ["ab", "abc", "b", "ca"];
    const begin = new Grammar();
    const beginning = rulesOf(sequence(beginningOtherThan(begin, words), repeat(chars("ad"), 0)), begin);
    const other = new Grammar();
    const letter = (not: Iterable<string>) => {
      const out = [...not];
      return chars(
        [..."abcd"]
          .filter((char) => !out.includes(char))
          .map((char) => char + char)
          .join(""),
      );
    };
    const others = rulesOf(textOtherThan(other, words, letter), other);
    for (const text of textsOf("abcd", 5)) {
      const isOther = !words.some((word) => text.startsWith(word)) && !words.some((word) => word.startsWith(text));
      assert.equal(allows(beginning, text), isOther, text);
      assert.equal(allows(others, text), !words.includes(text), text);
    }
  });

  it("of integers between two bounds has these and no others", () => {
    const random = new Random("integers");
    for (let round = 0; round < 60; round += 1) {
      const low = random.below(260) - 130;
      const high = low + random.below(random.pick([3, 30, 200]));
      const rules = rulesOf(integersBetween(low, high));
      for (let value = -140; value <= 340; value += 1) {
        assert.equal(allows(rules, String(value)), value >= low && value <= high, `${value} in ${low} to ${high}`);
      }
    }
    const wide = rulesOf(integersBetween(12, 999_999_999_999_999));
    for (const [text, is] of [
      ["11", false],
      ["12", true],
      ["012", false],
      ["999999999999999", true],
      ["1000000000000000", false],
    ] as const) {
      assert.equal(allows(wide, text), is, text);
    }
  });

  it("of numbers between two bounds has these and no others", () => {
    const random = new Random("numbers");
    for (let round = 0; round < 80; round += 1) {
      const least = random.below(8) - 4;
      const most = least + 1 + random.below(6);
      const [isAbove, isBelow] = [random.below(2) === 0, random.below(2) === 0];
      const rules = rulesOf(numberText({ kind: "number", isInteger: false, least, most, isAbove, isBelow }));
      const fits = (value: number) =>
        (isAbove ? value > least : value >= least) && (isBelow ? value < most : value <= most);
      for (let value = -6; value <= 12; value += 0.25) {
        const text = `${Object.is(value, -0) ? 0 : value}`;
        assert.equal(allows(rules, text), fits(value), `${text} from ${least} to ${most}`);
      }
      for (let times = 0; times < 20; times += 1) {
        const text = sampled(rules, random);
        assert.ok(fits(JSON.parse(text)), `${text} from ${least} to ${most}`);
      }
    }
  });
});
