import { describeModel } from "../../../src/models/gguf/describeModel";
import { parseJsonFile } from "../../../src/models/jsonFile";
import { readModelFacts } from "../../../src/models/modelFacts";
import { readSafetensorsHeader } from "../../../src/models/safetensorsHeader";
import { eosIds } from "../../../src/text/eos";
import { oddBytes, oddJson } from "../../support/fuzz/hostile";
import { fuzz } from "../../support/fuzz/untrusted";
import { memorySource } from "../../support/models/memorySource";
import { zeroSafetensors } from "../../support/models/safetensors";
import { tinyGguf } from "../../support/models/tinyGguf";
import { tinyConfig, tinyTensors } from "../../support/models/tinyModel";
import type { Random } from "../../support/random";

const safetensors = zeroSafetensors(tinyTensors);
const gguf = tinyGguf();
const quantized = {
  ...tinyConfig,
  quantization: { group_size: 64, bits: 4, mode: "affine", "model.a": { group_size: 64, bits: 8 } },
};

/** Readers take what they need in pieces of this size. */
const chunkBytes = 1024 * 1024;

/** A file whose JSON header is odd and as long as its length says. */
function oddHeader(random: Random): Buffer {
  const headerBytes = Number(safetensors.readBigUInt64LE(0));
  const header: unknown = JSON.parse(safetensors.toString("utf8", 8, 8 + headerBytes));
  const json = Buffer.from(JSON.stringify(oddJson(random, header)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, safetensors.subarray(8 + headerBytes)]);
}

describe("whatever a model's files hold, reading them ends in a typed error or in what they say", function () {
  this.timeout(60_000);

  it("safetensors headers", () =>
    fuzz(1000, async (random, allow) => {
      const bytes = random.below(2) === 0 ? oddBytes(random, safetensors) : oddHeader(random);
      allow(bytes.length + 8);
      await readSafetensorsHeader(memorySource(bytes), "model.safetensors");
    }));

  it("GGUF headers, metadata, tensors and vocabularies", () =>
    fuzz(300, async (random, allow) => {
      // Damages behind the header are not seen: most are made in it.
      const head = random.below(gguf.length);
      const bytes = Buffer.concat([oddBytes(random, gguf.subarray(0, head)), gguf.subarray(head)]);
      allow(bytes.length + chunkBytes);
      await describeModel([memorySource(bytes)], undefined);
    }));

  it("config.json and generation_config.json", () =>
    fuzz(1000, (random) => {
      const config = oddJson(random, random.pick([tinyConfig, quantized]));
      const generationConfig = oddJson(random, { eos_token_id: [2, 3], temperature: 0.7 });
      eosIds({ config, generationConfig, tokenizerConfig: oddJson(random, { eos_token: "</s>" }) }, () => 1);
      readModelFacts(config);
    }));

  it("JSON that is none", () =>
    fuzz(500, (random) => {
      const text = oddBytes(random, Buffer.from(JSON.stringify(quantized))).toString("utf8");
      readModelFacts(parseJsonFile(text, "config.json"));
    }));
});
