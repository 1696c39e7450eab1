import assert from "node:assert/strict";
import { type SamplingParameter, type SamplingRange, samplingRanges } from "../../../src/common/samplingRanges";
import type { NativeSampling } from "../../../src/native/binding";
import { rejection, temporaryFolder } from "../../support/models/folders";
import { NativeRig, type Part } from "../../support/native/nativeRig";
import { writeRandomModel } from "../../support/native/randomModel";

const names = Object.keys(samplingRanges).filter((name): name is SamplingParameter => name in samplingRanges);

/** The parameter as the addon takes it, together with others that make it matter. */
function samplingWith(name: SamplingParameter, value: number): Partial<NativeSampling> {
  const warm = { temperature: 0.7, recentIds: Int32Array.of(3, 4), answerIds: Int32Array.of(3, 4) };
  const answer = { ...warm, answerCounts: Int32Array.of(1, 2 ** 31 - 1) };
  if (name === "seed") return { ...answer, seedLow: value % 2 ** 32, seedHigh: Math.floor(value / 2 ** 32) };
  if (name === "logitBias") return { ...answer, biasIds: Int32Array.of(7), biasValues: Float32Array.of(value) };
  return { ...answer, [name]: value };
}

/** Bounds, and what is nearest to them inside: tiny numbers are where a division overflows. */
function legal({ min, max, whole }: SamplingRange): readonly number[] {
  return whole ? [min, min + 1, max - 1, max] : [min, min + Number.MIN_VALUE, min + (max - min) / 3, max];
}

function illegal({ min, max, whole }: SamplingRange): readonly number[] {
  const outside = whole ? [min - 1, max + 1] : [min - 0.01, max + 0.01];
  return [...outside, ...(whole ? [min + 0.5] : []), -1e39, 1e39, Number.NaN, Number.POSITIVE_INFINITY];
}

describe("Ranges of sampling parameters in the addon", () => {
  const folder = temporaryFolder();
  let rig: NativeRig;
  let companion: Part;
  let alone: readonly number[] | undefined;
  beforeEach(async () => {
    rig = await NativeRig.load(await writeRandomModel(folder.path));
    companion = { tokens: [1, 2, 3], table: [0, 1], sampling: { temperature: 1, seedLow: 5 } };
    alone = (await rig.run([companion], 6)).ids[0];
    assert.equal(alone?.length, 6);
  });
  afterEach(() => rig.dispose());

  it("are those of the one table", () => {
    assert.deepEqual(rig.addon.samplingRanges(), samplingRanges);
  });

  for (const name of names) {
    it(`let ${name} be what the table allows, both ends included`, async () => {
      for (const value of legal(samplingRanges[name])) {
        const part = { tokens: [9, 8, 7], table: [2, 3], sampling: samplingWith(name, value) };
        const { ids } = await rig.run([companion, part], 6);
        assert.equal(ids[1]?.length, 6, `${value}`);
        assert.deepEqual(ids[0], alone, `${value}`);
      }
    });

    it(`refuse any other ${name}, name the sequence, and let the others run without it`, async () => {
      for (const value of illegal(samplingRanges[name])) {
        const part = { tokens: [9, 8, 7], table: [2, 3], sampling: samplingWith(name, value) };
        const { facts } = await rejection((async () => rig.run([companion, part], 6))(), "INVALID_REQUEST", /must be/);
        assert.deepEqual([facts["sequence"], facts["contents"]], [1, "intact"], `${value}`);
        assert.deepEqual((await rig.run([companion], 6)).ids[0], alone, `${value}`);
      }
    });
  }

  it("leave a topP of 0 the most likely token, at any temperature", async () => {
    const part = { tokens: [9, 8, 7], table: [2, 3] };
    const best = await rig.run([part], 6);
    const { ids } = await rig.run([{ ...part, sampling: { temperature: 100, topP: 0 } }], 6);
    assert.deepEqual(ids, best.ids);
  });

  it("hold no sequence that wants no token to them", async () => {
    const unused = { tokens: [9], table: [2], want: false, sampling: { temperature: -1 } };
    assert.deepEqual((await rig.run([companion, unused], 6)).ids[0], alone);
  });
});
