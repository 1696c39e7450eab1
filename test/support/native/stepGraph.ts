import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const platform = `${process.platform}-${process.arch}`;
/** Set-up has compiled here what builds the graphs: a program of ours, and the library that does the same to mlx_lm. */
const build = path.resolve("native", "build", platform);
export const graphLibrary = path.join(build, "libfast_nodes.so");

export interface GraphArray {
  readonly id: number;
  readonly type: "f32" | "f16" | "bf16" | "other";
  readonly shape: readonly number[];
  /** Already there when the step begins. */
  readonly stored: boolean;
}

export interface GraphNode {
  readonly name: string;
  readonly inputs: readonly GraphArray[];
  readonly outputs: readonly GraphArray[];
}

export interface StepGraph {
  readonly evaluations: number;
  readonly kSlabs: readonly GraphArray[];
  readonly vSlabs: readonly GraphArray[];
  readonly nodes: readonly GraphNode[];
}

export interface StepOptions {
  readonly kv?: "f32" | "f16" | "bf16";
  readonly context?: "views" | "gathers";
  readonly rows: number;
  /** Tokens of each sequence once its rows are there. */
  readonly contexts: readonly number[];
}

/** What MLX would be given to evaluate in one step on a GPU. */
export async function stepGraph(model: string, options: StepOptions): Promise<StepGraph> {
  const { kv = "f32", context = "views", rows, contexts } = options;
  const args = [model, kv, context, String(rows), ...contexts.map(String)];
  const { stdout } = await run(path.join(build, "resident_graph"), args, { maxBuffer: 1 << 26 });
  const graph: StepGraph = JSON.parse(stdout);
  return graph;
}

/** Operations of MLX that look at memory in another way and start nothing on a GPU. */
const views = new Set(
  ["AsStrided", "Broadcast", "ExpandDims", "Flatten", "Reshape", "Slice", "Squeeze", "Transpose", "Unflatten", "View"], //
);

export const isView = (name: string): boolean => views.has(name);

/** Kernels that a GPU starts for nodes of a name and a number of inputs: joined arrays are copied one by one. */
export function launches(nodes: Iterable<readonly [name: string, inputs: number]>): number {
  let sum = 0;
  for (const [name, inputs] of nodes) sum += isView(name) ? 0 : name === "Concatenate" ? inputs : 1;
  return sum;
}

export const launchesOf = ({ nodes }: StepGraph): number =>
  launches(nodes.map(({ name, inputs }) => [name, inputs.length]));
