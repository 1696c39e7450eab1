import assert from "node:assert/strict";
import { parseArguments } from "../../../src/cli/arguments";
import { generateSpec } from "../../../src/cli/generate";
import { sampledBy, samplingOf } from "../../../src/cli/sampling";
import { type SamplingParameter, samplingRanges } from "../../../src/common/samplingRanges";

const sampling = (...words: readonly string[]) => samplingOf(parseArguments(generateSpec, ["--prompt=a", ...words]));
const options: readonly (readonly [string, SamplingParameter])[] = Object.entries(sampledBy);

describe("The sampling of an answer on the command line", () => {
  it("is greedy, and nothing else is said, unless it is asked for", () => {
    assert.deepEqual(sampling(), { temperature: 0 });
    assert.deepEqual(sampling("--top-p=0.5", "--max-tokens=7", "--stop=x"), {
      temperature: 0,
      topP: 0.5,
      maxTokens: 7,
      stop: ["x"],
    });
    assert.equal(sampling("--temperature=0.4").temperature, 0.4);
  });

  it("has an option for each number of the table that belongs to an answer", () => {
    const others: readonly string[] = ["logprobs", "logitBias"];
    const named = Object.keys(samplingRanges).filter((name) => !others.includes(name));
    assert.deepEqual(options.map(([, name]) => name).sort(), named.sort());
    for (const [option] of options) assert.ok(option in generateSpec.options, option);
  });

  for (const [option, name] of options) {
    it(`takes --${option} from one end of its range to the other, and names the range beyond`, () => {
      const { min, max, whole } = samplingRanges[name];
      for (const value of [min, max]) {
        const taken: Readonly<Record<string, unknown>> = { ...sampling(`--${option}=${value}`) };
        assert.equal(taken[name], value);
      }
      const kind = whole ? "a whole number" : "a number";
      for (const value of [min - 1, max * 2, "x"]) {
        assert.throws(() => sampling(`--${option}=${value}`), {
          code: "USAGE",
          what: `--${option} takes ${kind} from ${min} to ${max}, not '${value}'`,
        });
      }
    });
  }
});
