import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { LoadModelOptions, NativeAddon } from "../../src/native/binding";
import { loadAddon } from "../../src/native/loader";
import { temporaryFolder } from "../support/models/folders";
import { greedySampling, stageRoot } from "../support/native/nativeRig";

interface ReferenceCase {
  readonly name: string;
  readonly directory: string;
  readonly prompt: readonly number[];
  readonly logits: readonly number[];
  readonly tokens: readonly number[];
  readonly gaps: readonly number[];
}

/** f32 sums differ by their order only; half types, on a GPU, by their 8 or 11 bits. */
const tolerances = { f32: 1e-3, f16: 5e-2, bf16: 3e-1, q8: 3e-1 };

/** Made and computed by mlx_lm (test/reference/tinyModels.py), then by us. */
describe("Tiny random models of every family", () => {
  const folder = temporaryFolder();
  let addon: NativeAddon;
  before(() => {
    addon = loadAddon(stageRoot);
  });

  it("give mlx_lm's logits and greedy tokens", async function () {
    this.timeout(1_800_000);
    const { device } = await addon.deviceInfo();
    const script = ["test/reference/python.mjs", "tinyModels.py", `${folder.path}/models`, device];
    const { stdout } = await promisify(execFile)(process.execPath, script, { maxBuffer: 1 << 26 });
    const cases: readonly ReferenceCase[] = JSON.parse(stdout);
    assert.equal(cases.length, 26);
    // On a CPU everything is computed in f32: K and V as exact as the rest leave no room for another token.
    const exact = device === "cpu" ? { kvDtype: "f32" as const } : {};
    for (const reference of cases) await compare(addon, reference, exact);
  });
});

async function compare(
  addon: NativeAddon,
  reference: ReferenceCase,
  precision: Pick<LoadModelOptions, "kvDtype">,
): Promise<void> {
  const { name, directory } = reference;
  const model = await addon.loadModel({ directory, ...precision }, () => {}).result;
  try {
    const pool = await model.createPool(16, 8);
    const prompt = Int32Array.from(reference.prompt);
    const table = Int32Array.of(3, 4, 5, 6, 7);
    const tolerance = tolerances[model.info.kvDtype];
    const logits = await pool.logits(prompt, 0, table);
    assert.equal(logits.length, reference.logits.length, name);
    for (const [i, expected] of reference.logits.entries()) {
      const difference = Math.abs((logits[i] ?? Number.NaN) - expected);
      assert.ok(difference < tolerance, `${name}: logit ${i} is off by ${difference}`);
    }
    const batch = {
      tokens: prompt,
      tokenCounts: Int32Array.of(prompt.length),
      starts: Int32Array.of(0),
      tables: Int32Array.of(9, 2, 14, 6, 0),
      tableLengths: Int32Array.of(5),
      wantToken: Uint8Array.of(1),
      sampling: [greedySampling],
      steps: reference.tokens.length,
    };
    const tokens: number[] = [];
    await pool.run(batch, (sampled) => tokens.push(...sampled.map(({ id }) => id))).result;
    // Two best logits closer than the tolerance are a tie: what follows it is another answer.
    const tie = reference.gaps.findIndex((gap) => gap < 2 * tolerance);
    const compared = tie === -1 ? tokens.length : tie;
    assert.ok(compared > 0 || model.info.kvDtype !== "f32", `${name}: nothing to compare`);
    assert.deepEqual(tokens.slice(0, compared), reference.tokens.slice(0, compared), name);
  } finally {
    await model.dispose();
  }
}
