import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { DownloadOptions } from "../../../../src/models/hub/downloadFiles";
import type { TryLock } from "../../../../src/models/hub/downloadFolder";
import { withHub } from "../../../../src/models/hub/hubSession";
import { installModel } from "../../../../src/models/hub/installModel";
import { planModel } from "../../../../src/models/hub/modelPlan";
import type { HubAccess, Progress } from "../../../../src/protocol/service";
import { Random } from "../../random";
import { zeroSafetensors } from "../safetensors";
import { tinyConfig, tinyTensors } from "../tinyModel";
import type { FakeHub, FakeRepo } from "./fakeHub";

// The fake hub is on this machine, whatever proxy the environment names.
process.env["no_proxy"] = "127.0.0.1";

/** As in the product, with small parts and short pauses: 8 ranges of 32 KB in blocks of 4 KB. */
export const smallParts: DownloadOptions = {
  connections: 8,
  blockBytes: 4096,
  blocksPerRange: 8,
  limits: { stallMs: 250, leastBytes: 64 },
  policy: { attempts: 4, firstDelayMs: 2, longestDelayMs: 2000 },
};

/** A model whose small files are sound; its weights are a header, then `weightBytes` of noise, in two files. */
export function fakeModel(name: string, weightBytes = 300_000, more: Partial<FakeRepo> = {}): FakeRepo {
  const half = (seed: number) => Buffer.concat([zeroSafetensors(tinyTensors), noise(weightBytes >> 1, seed)]);
  return {
    name,
    tags: ["license:apache-2.0", "mlx"],
    files: {
      "config.json": JSON.stringify({ ...tinyConfig, quantization: { bits: 4, group_size: 64 } }),
      "tokenizer.json": JSON.stringify({ model: { vocab: { a: 0, b: 1 } } }),
      "tokenizer_config.json": JSON.stringify({ chat_template: "{% if tools %}{{ tools }}{% endif %}{{ messages }}" }),
      "model-00001-of-00002.safetensors": half(1),
      "model-00002-of-00002.safetensors": half(2),
      "README.md": "not needed",
      "pytorch_model.bin": "not needed either",
    },
    large: ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"],
    ...more,
  };
}

const neededNames = [
  "config.json",
  "model-00001-of-00002.safetensors",
  "model-00002-of-00002.safetensors",
  "tokenizer.json",
  "tokenizer_config.json",
];

function noise(bytes: number, seed: number): Buffer {
  const random = new Random("noise", seed);
  return Buffer.from(Uint8Array.from({ length: bytes }, () => random.below(256)));
}

const alwaysLocked: TryLock = () => ({ release: () => {} });

export interface GetOptions {
  readonly access?: HubAccess;
  readonly options?: DownloadOptions;
  readonly quantization?: string;
  readonly tryLock?: TryLock;
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
}

/** Gets a model from the fake hub into `<folder>/models`; resolves with its folder. */
export function getModel(hub: Pick<FakeHub, "url">, folder: string, name: string, more: GetOptions = {}) {
  const { options = smallParts, tryLock = alwaysLocked, onProgress = () => {}, signal } = more;
  return withHub(
    { endpoint: hub.url, ...more.access },
    async (client) => {
      const plan = await planModel(client, { name, revision: "main" }, more.quantization, signal);
      const place = { models: join(folder, "models"), tryLock };
      return (await installModel(client, plan, place, options, onProgress, signal)).directory;
    },
    options,
  );
}

/** Every needed file of the model is there with the same bytes, and nothing else but the note of where it came from. */
export async function assertWhole(directory: string, repo: FakeRepo, names = neededNames): Promise<void> {
  assert.deepEqual((await readdir(directory)).sort(), [...names, "resident.json"].sort());
  for (const name of names) {
    const content = repo.files[name];
    assert.ok(content !== undefined && (await readFile(join(directory, name))).equals(Buffer.from(content)), name);
  }
}

/** No model has appeared: at most the hidden folder of a download is there. */
export async function assertNoModel(folder: string): Promise<void> {
  const entries = await readdir(join(folder, "models")).catch(() => []);
  assert.deepEqual(
    entries.filter((name) => !/^\..*\.downloading$/.test(name)),
    [],
  );
}
