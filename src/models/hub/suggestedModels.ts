import type { SuggestedModel } from "../../protocol/service";
import { memoryFit } from "../memoryFit";

interface KnownModel {
  /** On the hub. */
  readonly name: string;
  readonly machineGB: number;
  readonly reason: string;
  readonly weightBytes: number;
  readonly numLayers: number;
  readonly numKvHeads: number;
  readonly contextTokens: number;
}

const gigabytes = (value: number): number => value * 1e9;

// Layers, heads and contexts: the models' own config.json (all have heads of 128). Weights: the parameters that the
// authors state, at 4.5 bits each (4-bit groups of 64 with a scale and a bias of 16 bits), or 8.5 for 8 bits.
const known: readonly KnownModel[] = [
  {
    name: "mlx-community/Qwen3-1.7B-4bit",
    machineGB: 8,
    reason: "leaves most of 8 GB to other programs and still follows instructions",
    weightBytes: gigabytes(0.97),
    numLayers: 28,
    numKvHeads: 8,
    contextTokens: 40_960,
  },
  {
    name: "mlx-community/Qwen2.5-Coder-3B-Instruct-4bit",
    machineGB: 8,
    reason: "for code; 32,000 tokens take little memory, because it has few heads for K and V",
    weightBytes: gigabytes(1.74),
    numLayers: 36,
    numKvHeads: 2,
    contextTokens: 32_768,
  },
  {
    name: "mlx-community/SmolLM3-3B-4bit",
    machineGB: 8,
    reason: "general, with tools; thinks or answers at once, and its makers published everything about it",
    weightBytes: gigabytes(1.73),
    numLayers: 36,
    numKvHeads: 4,
    contextTokens: 65_536,
  },
  {
    name: "mlx-community/Llama-3.2-3B-Instruct-4bit",
    machineGB: 12,
    reason: "general, quick, and has a long context",
    weightBytes: gigabytes(1.81),
    numLayers: 28,
    numKvHeads: 8,
    contextTokens: 131_072,
  },
  {
    name: "mlx-community/Qwen3-4B-Instruct-2507-4bit",
    machineGB: 12,
    reason: "general, with tools and a long context; answers without thinking first",
    weightBytes: gigabytes(2.26),
    numLayers: 36,
    numKvHeads: 8,
    contextTokens: 262_144,
  },
  {
    name: "mlx-community/Qwen2.5-Coder-7B-Instruct-4bit",
    machineGB: 16,
    reason: "for code; 32,000 tokens take 1.8 GB, half of what others of its size take",
    weightBytes: gigabytes(4.28),
    numLayers: 28,
    numKvHeads: 4,
    contextTokens: 32_768,
  },
  {
    name: "mlx-community/Qwen3-8B-4bit",
    machineGB: 16,
    reason: "general, with tools; thinks before it answers",
    weightBytes: gigabytes(4.61),
    numLayers: 36,
    numKvHeads: 8,
    contextTokens: 40_960,
  },
  {
    name: "mlx-community/Qwen2.5-Coder-14B-Instruct-4bit",
    machineGB: 24,
    reason: "for code; larger changes in one answer than the 7B",
    weightBytes: gigabytes(8.31),
    numLayers: 48,
    numKvHeads: 8,
    contextTokens: 32_768,
  },
  {
    name: "mlx-community/Qwen3-14B-4bit",
    machineGB: 24,
    reason: "general, with tools; thinks before it answers",
    weightBytes: gigabytes(8.31),
    numLayers: 40,
    numKvHeads: 8,
    contextTokens: 40_960,
  },
  {
    name: "mlx-community/Mistral-Small-24B-Instruct-2501-4bit",
    machineGB: 32,
    reason: "general, with tools, without thinking; the largest that leaves 32 GB room for a long conversation",
    weightBytes: gigabytes(13.3),
    numLayers: 40,
    numKvHeads: 8,
    contextTokens: 32_768,
  },
  {
    name: "mlx-community/Devstral-Small-2507-4bit",
    machineGB: 32,
    reason: "for code, made for agents with tools, and has a long context",
    weightBytes: gigabytes(13.3),
    numLayers: 40,
    numKvHeads: 8,
    contextTokens: 131_072,
  },
  {
    name: "mlx-community/Qwen2.5-Coder-32B-Instruct-4bit",
    machineGB: 48,
    reason: "for code; the largest of its kind",
    weightBytes: gigabytes(18.4),
    numLayers: 64,
    numKvHeads: 8,
    contextTokens: 32_768,
  },
  {
    name: "mlx-community/Qwen3-32B-4bit",
    machineGB: 48,
    reason: "general, with tools; thinks before it answers",
    weightBytes: gigabytes(18.4),
    numLayers: 64,
    numKvHeads: 8,
    contextTokens: 40_960,
  },
  {
    name: "mlx-community/Qwen3-32B-8bit",
    machineGB: 64,
    reason: "the same with 8 bits: nearly what its authors published",
    weightBytes: gigabytes(34.8),
    numLayers: 64,
    numKvHeads: 8,
    contextTokens: 40_960,
  },
  {
    name: "mlx-community/Llama-3.3-70B-Instruct-4bit",
    machineGB: 96,
    reason: "general, with tools and a long context; 70 billion parameters know more than 32",
    weightBytes: gigabytes(39.7),
    numLayers: 80,
    numKvHeads: 8,
    contextTokens: 131_072,
  },
  {
    name: "mlx-community/Llama-3.3-70B-Instruct-8bit",
    machineGB: 128,
    reason: "the same with 8 bits",
    weightBytes: gigabytes(75),
    numLayers: 80,
    numKvHeads: 8,
    contextTokens: 131_072,
  },
];

/** The built-in list with what each model takes of this machine, the smallest first. */
export function suggestedModels(memoryBytes: number): readonly SuggestedModel[] {
  return known.map(({ name, machineGB, reason, weightBytes, ...shape }) => ({
    name,
    machineGB,
    reason,
    fit: memoryFit(weightBytes, { ...shape, headDim: 128, windows: [] }, memoryBytes),
  }));
}

/** Of those that fit with 32,000 tokens, the largest first. */
export function largestThatFit(memoryBytes: number, count: number): readonly SuggestedModel[] {
  const fitting = suggestedModels(memoryBytes).filter(({ fit }) => fit.verdict === "fits");
  return fitting.sort((a, b) => b.fit.totalBytes - a.fit.totalBytes).slice(0, count);
}
