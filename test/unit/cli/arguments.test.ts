import assert from "node:assert/strict";
import { type CommandSpec, parseArguments } from "../../../src/cli/arguments";

const spec: CommandSpec = {
  usage: "resident try NAME [OTHER] [--count N] [--text T] [--flag]",
  summary: "",
  positionals: ["name", "other?"],
  options: { count: { value: "N", help: "" }, text: { value: "T", help: "" }, flag: { help: "" } },
};

/** What is refused, as a USAGE error that shows the usage. */
function refusal(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    assert.ok(typeof error === "object" && error !== null && "what" in error && "advice" in error && "code" in error);
    assert.equal(error.code, "USAGE");
    assert.equal(error.advice, `write it as: ${spec.usage}`);
    return String(error.what);
  }
  assert.fail("it was taken");
}

describe("A command's arguments", () => {
  it("are asked for by name: options in any place, in both spellings", () => {
    const args = parseArguments(
      spec,
      ["--count=3", "ada", "--flag", "--text", "-5 degrees is cold", "bob"].slice(0, 3),
    );
    assert.deepEqual(
      [args.positional("name"), args.flag("flag"), args.number("count", { min: 1, max: 9 })],
      ["ada", true, 3],
    );
    assert.equal(parseArguments(spec, ["ada", "--text=-5"]).text("text"), "-5");
  });

  it("that were not given are undefined, false, or refused where they are required", () => {
    const args = parseArguments(spec, ["--count=3", "ada", "--flag", "bob", "--text", "some text"]);
    assert.deepEqual([args.positional("name"), args.positional("other")], ["ada", "bob"]);
    assert.deepEqual(
      [args.flag("flag"), args.text("text"), args.number("count", { min: 1, max: 9 })],
      [true, "some text", 3],
    );
    assert.equal(parseArguments(spec, ["ada", "--text=-5"]).text("text"), "-5");
  });

  it("that were not given are undefined, false, or refused where they are required", () => {
    const args = parseArguments(spec, ["ada"]);
    assert.deepEqual(
      [args.positional("other"), args.text("text"), args.flag("flag"), args.number("count", { min: 0, max: 1 })],
      [undefined, undefined, false, undefined],
    );
    assert.equal(
      refusal(() => args.required("text")),
      "--text is missing",
    );
  });

  it("may be empty: an empty text is a text", () => {
    assert.equal(parseArguments(spec, ["ada", "--text", ""]).required("text"), "");
  });

  it("are refused when one is missing, unknown, too many or without its value", () => {
    const words: readonly (readonly [readonly string[], RegExp])[] = [
      [[], /^<name> is missing$/],
      [["a", "b", "c"], /^'c' is one argument too many$/],
      [["a", "--colour"], /^Unknown option '--colour'$/],
      [["a", "--text"], /--text/],
      [["a", "--flag=yes"], /--flag/],
      [["a", "--text", "-5"], /^a value that begins with a dash is written as --text=VALUE$/],
    ];
    for (const [given, what] of words) {
      assert.match(
        refusal(() => parseArguments(spec, given)),
        what,
      );
    }
  });

  it("that are numbers are in their range", () => {
    const number = (text: string, whole = false) =>
      parseArguments(spec, ["a", `--count=${text}`]).number("count", { min: 1, max: 8, whole });
    assert.deepEqual([number("1"), number("8"), number("2.5"), number("1e0", true)], [1, 8, 2.5, 1]);
    for (const text of ["0", "9", "x", "", " ", "NaN", "Infinity"]) {
      assert.equal(
        refusal(() => number(text)),
        `--count takes a number from 1 to 8, not '${text}'`,
      );
    }
    assert.equal(
      refusal(() => number("2.5", true)),
      "--count takes a whole number from 1 to 8, not '2.5'",
    );
  });
});
