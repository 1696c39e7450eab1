import assert from "node:assert/strict";
import * as path from "node:path";
import fc from "fast-check";
import { kvDtypes } from "../../../src/common/kvDtypes";
import { isInSamplingRange, samplingRanges } from "../../../src/common/samplingRanges";
import { type SettingId, settings } from "../../../src/extension/contributions";
import { answerSettings, samplingOf } from "../../../src/extension/engine/answerSettings";
import {
  grownPoolMB,
  numberSetting,
  numberSettings,
  poolSizeLimits,
  serviceOptionsOf,
} from "../../../src/extension/engine/settings";

const reader = (values: Partial<Record<SettingId, unknown>>) => (id: SettingId) => values[id];
const places = {
  home: path.resolve("/home of mine"),
  starterModel: "/starter",
  nativeStage: "/stage",
  userHome: "/person",
};

describe("settings", () => {
  it("fall back to the defaults when nothing is set", () => {
    const options = serviceOptionsOf(reader({}), places);
    assert.equal("poolBytes" in options, false, "the core decides");
    assert.equal(options.blockTokens, 64);
    assert.equal(options.storeQuotaBytes, 8 * 2 ** 30);
    assert.equal("defaultModel" in options, false);
  });

  it("are clamped to their limits, and what is no number becomes the default", () => {
    const id = settings.poolBlockTokens;
    const { minimum, maximum, default: preset } = numberSettings[id];
    fc.assert(
      fc.property(fc.oneof(fc.double(), fc.string(), fc.constant(null)), (value) => {
        const read = numberSetting(reader({ [id]: value }), id);
        assert.ok(read >= minimum && read <= maximum);
        if (typeof value !== "number" || !Number.isFinite(value)) assert.equal(read, preset);
        else if (value >= minimum && value <= maximum) assert.equal(read, value);
      }),
    );
  });

  it("pass the pool's size only where one is set, inside its limits", () => {
    const bytes = (value: unknown) => serviceOptionsOf(reader({ [settings.poolSizeMB]: value }), places).poolBytes;
    for (const value of [null, undefined, "64", Number.NaN]) assert.equal(bytes(value), undefined);
    assert.equal(bytes(512), 512 * 2 ** 20);
    assert.equal(bytes(1), poolSizeLimits.minimum * 2 ** 20);
    assert.equal(bytes(1e12), poolSizeLimits.maximum * 2 ** 20);
  });

  it("list the folder of imported models before the person's own", () => {
    const { modelFolders } = serviceOptionsOf(reader({ [settings.modelFolders]: ["/models", 3, ""] }), places);
    assert.deepEqual(modelFolders, [path.join(places.home, "models"), "/models"]);
  });

  it("pass a K/V format that is known, and none otherwise", () => {
    const formatOf = (value: unknown) => serviceOptionsOf(reader({ [settings.poolPrecision]: value }), places).kvDtype;
    for (const dtype of kvDtypes) assert.equal(formatOf(dtype), dtype);
    for (const value of ["auto", "q4", 8, undefined]) assert.equal(formatOf(value), undefined);
  });
});

describe("the settings of answers", () => {
  it("say nothing where they are left alone but that nothing is penalised", () => {
    const penalties = { repetitionPenalty: 1, presencePenalty: 0, frequencyPenalty: 0 };
    assert.deepEqual(samplingOf(reader({})), penalties);
    assert.deepEqual(serviceOptionsOf(reader({}), places).sampling, penalties);
    const nulls = Object.fromEntries(Object.keys(answerSettings).map((id) => [id, null]));
    assert.deepEqual(samplingOf(reader(nulls)), penalties);
  });

  it("pass what is set, zeros too, inside the ranges that the engine takes", () => {
    const set = {
      [settings.answersTemperature]: 0,
      [settings.answersTopP]: 0,
      [settings.answersTopK]: 12.4,
      [settings.answersMinP]: 7,
      [settings.answersRepetitionPenalty]: 0,
      [settings.answersMaxTokens]: 300,
      [settings.answersSeed]: 7,
    };
    assert.deepEqual(samplingOf(reader(set)), {
      temperature: 0,
      topP: 0,
      topK: 12,
      minP: 1,
      repetitionPenalty: samplingRanges.repetitionPenalty.min,
      presencePenalty: 0,
      frequencyPenalty: 0,
      maxTokens: 300,
      seed: 7,
    });
  });

  it("take no longest answer, and 0, for as long as fits", () => {
    for (const value of [null, 0, undefined]) {
      assert.equal("maxTokens" in samplingOf(reader({ [settings.answersMaxTokens]: value })), false);
    }
  });

  it("pass nothing that the engine would refuse, whatever stands in them", () => {
    fc.assert(
      fc.property(fc.anything(), fc.double(), (value, number) => {
        for (const one of [value, number]) {
          const all = Object.fromEntries(Object.keys(answerSettings).map((id) => [id, one]));
          for (const [name, passed] of Object.entries(samplingOf(reader(all)))) {
            if (name === "maxTokens") assert.ok(Number.isSafeInteger(passed) && passed > 0);
            else assert.ok(isInSamplingRange(name as keyof typeof samplingRanges, passed), `${name} ${passed}`);
          }
        }
      }),
    );
  });
});

describe("growing the pool", () => {
  it("makes room for what was refused, in whole steps", () => {
    assert.equal(grownPoolMB(512, 320, 256), 640);
  });

  it("doubles a pool when nothing says how much is needed", () => {
    assert.equal(grownPoolMB(512, undefined, undefined), 1024);
    assert.equal(grownPoolMB(undefined, undefined, undefined), 1024);
  });

  it("never shrinks it and never goes beyond the limit", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: poolSizeLimits.minimum, max: poolSizeLimits.maximum }),
        fc.integer({ min: 0, max: 1e6 }),
        fc.integer({ min: 1, max: 1e6 }),
        (size, needed, total) => {
          const grown = grownPoolMB(size, needed, total);
          assert.ok(grown >= size && grown <= poolSizeLimits.maximum);
        },
      ),
    );
  });
});
