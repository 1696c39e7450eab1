import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import {
  type GraphNode,
  graphLibrary,
  isView,
  launches,
  launchesOf,
  type StepGraph,
  type StepOptions,
  stepGraph,
} from "../support/native/stepGraph";

interface ReferenceModel {
  readonly family: string;
  readonly layers: number;
  readonly directory: string;
  readonly steps: readonly {
    readonly rows: number;
    readonly sequences: number;
    readonly nodes: readonly (readonly [name: string, inputs: number])[];
  }[];
}

interface FamilyPair {
  readonly shallow: ReferenceModel;
  readonly deep: ReferenceModel;
}

/** A step with another context in every sequence, none of them the size of anything else. */
const contexts = (sequences: number, rows: number) => Array.from({ length: sequences }, (_, i) => 1_001 + 2 * i + rows);

/**
 * What a GPU has to do for one step, in the graph that MLX is given: the cost that a machine without a GPU can measure.
 * Counted for one layer, as the difference of two depths.
 */
describe("One step's graph on a GPU", function () {
  this.timeout(1_800_000);
  let folder: string;
  const pairs: FamilyPair[] = [];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "resident graphs "));
    // On a Mac mlx_lm's graph is of its GPU as it is.
    const replaced = process.platform === "linux" ? [graphLibrary] : [];
    const script = ["test/reference/python.mjs", "launches.py", folder, ...replaced];
    const { stdout } = await promisify(execFile)(process.execPath, script, { maxBuffer: 1 << 26 });
    const models: readonly ReferenceModel[] = JSON.parse(stdout);
    for (const shallow of models) {
      const deep = models.find((model) => model.family === shallow.family && model.layers > shallow.layers);
      if (deep) pairs.push({ shallow, deep });
    }
    assert.equal(pairs.length, 5);
  });

  after(() => rm(folder, { recursive: true, force: true }));

  const perLayer = (pair: FamilyPair, count: (model: ReferenceModel) => number) =>
    (count(pair.deep) - count(pair.shallow)) / (pair.deep.layers - pair.shallow.layers);

  async function oursPerLayer(pair: FamilyPair, options: StepOptions): Promise<number> {
    const [deep, shallow] = await Promise.all([
      stepGraph(pair.deep.directory, options),
      stepGraph(pair.shallow.directory, options),
    ]);
    return (launchesOf(deep) - launchesOf(shallow)) / (pair.deep.layers - pair.shallow.layers);
  }

  it("has no more launches a layer than mlx_lm's, plus the reading of pages", async () => {
    // The most that a layer may have with one sequence, whatever mlx_lm has.
    const most: Readonly<Record<string, number>> = { llama: 15, mistral: 15, qwen2: 17, qwen3: 17, gemma3_text: 20 };
    for (const pair of pairs) {
      for (const [index, { rows, sequences }] of pair.shallow.steps.entries()) {
        const theirs = perLayer(pair, ({ steps }) => launches(steps[index]?.nodes ?? []));
        const name = `${pair.shallow.family}, ${sequences} × ${rows} rows`;
        assert.ok(theirs >= 17, `${name}: mlx_lm's graph was not counted`);
        for (const context of ["views", "gathers"] as const) {
          const ours = await oursPerLayer(pair, { context, rows, contexts: contexts(sequences, rows) });
          // An attention for each sequence, joined afterwards, over blocks that are gathered where they are scattered.
          const joined = sequences === 1 ? 0 : sequences - 1 + sequences;
          const pages = joined + (context === "views" ? 0 : 2 * sequences);
          assert.ok(ours <= theirs + pages, `${name}, ${context}: ${ours} launches, mlx_lm has ${theirs}`);
          assert.equal(ours - pages, most[pair.shallow.family], `${name}, ${context}`);
        }
      }
    }
  });

  it("converts no context to another type, whatever type K and V have", async () => {
    for (const { shallow } of pairs) {
      for (const kv of ["f32", "f16", "bf16"] as const) {
        for (const [rows, sequences] of [
          [1, 1],
          [1, 3],
          [32, 1],
        ] as const) {
          for (const context of ["views", "gathers"] as const) {
            const lengths = contexts(sequences, rows);
            const graph = await stepGraph(shallow.directory, { kv, context, rows, contexts: lengths });
            const name = `${shallow.family}, ${kv}, ${context}, ${sequences} × ${rows}`;
            assert.deepEqual(conversionsOf(graph, Math.min(...lengths)), [], name);
            assert.ok(graph.nodes.some(({ inputs }) => inputs.some(({ shape }) => shape.includes(lengths[0] ?? 0))));
          }
        }
      }
    }
  });

  it("evaluates once, writes every slab in place, and copies no rows to read them", async () => {
    for (const { shallow } of pairs) {
      for (const options of [
        { rows: 1, contexts: contexts(1, 1) },
        { rows: 1, contexts: contexts(8, 1) },
        { rows: 32, contexts: contexts(1, 32) },
        { rows: 1, contexts: contexts(8, 1), kv: "f16" as const, context: "gathers" as const },
      ]) {
        const graph = await stepGraph(shallow.directory, options);
        assert.equal(graph.evaluations, 1);
        checkSlabs(graph);
        checkRows(graph);
      }
    }
  });
});

/** Nodes that do nothing but make another type of what is as long as a context. */
function conversionsOf({ nodes }: StepGraph, shortest: number): readonly GraphNode[] {
  return nodes.filter(
    ({ name, inputs }) => name === "AsType" && inputs.some(({ shape }) => shape.some((size) => size >= shortest)),
  );
}

/** Each slab has one reader, which writes into it: a second one would force a copy. Nothing else is as large as a slab. */
function checkSlabs({ kSlabs, vSlabs, nodes }: StepGraph): void {
  for (const slab of [...kSlabs, ...vSlabs]) {
    const readers = nodes.filter(({ inputs }) => inputs.some(({ id }) => id === slab.id));
    assert.deepEqual(
      readers.map(({ name }) => name),
      ["Scatter"],
    );
    const sizes = slab.shape.reduce((product, size) => product * size, 1);
    for (const { name, outputs } of nodes) {
      const largest = Math.max(...outputs.map(({ shape }) => shape.reduce((product, size) => product * size, 1)));
      assert.ok(largest < sizes || name === "Scatter" || isView(name), `${name} makes an array of a slab's size`);
    }
  }
}

/** MLX copies what these operations cannot read in strides: a part of every one of several rows. */
function checkRows({ nodes }: StepGraph): void {
  const slices = new Set(
    nodes.filter(({ name }) => name === "Slice").flatMap(({ outputs }) => outputs.map(({ id }) => id)),
  );
  for (const { name, inputs } of nodes) {
    if (!["RMSNorm", "RoPE", "QuantizedMatmul"].includes(name)) continue;
    assert.ok(!inputs.some(({ id }) => slices.has(id)), `${name} reads a slice`);
  }
}
