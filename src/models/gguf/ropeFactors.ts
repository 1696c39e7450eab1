import { unsupported } from "./importErrors";

/** Llama 3's RoPE scaling as Hugging Face configurations state it. */
export interface Llama3Scaling {
  readonly factor: number;
  readonly lowFreqFactor: number;
  readonly highFreqFactor: number;
  readonly originalContextTokens: number;
}

/**
 * GGUF stores the result of Llama 3's scaling, one divisor a frequency (`rope_freqs.weight`); a configuration states its
 * parameters. Llama 3.x has only ever used low 1, high 4 and 8192 tokens; the factor is the divisor of the lowest
 * frequency. The parameters are taken only when they give back every divisor.
 */
export function llama3ScalingOf(divisors: Float32Array, headDim: number, theta: number): Llama3Scaling {
  const scaling: Llama3Scaling = {
    factor: divisors.at(-1) ?? 1,
    lowFreqFactor: 1,
    highFreqFactor: 4,
    originalContextTokens: 8192,
  };
  const expected = llama3Divisors(scaling, headDim, theta);
  const same =
    divisors.length === expected.length && divisors.every((d, i) => Math.abs(d / (expected[i] ?? 0) - 1) < 1e-4);
  if (!same) {
    throw unsupported(
      "the RoPE frequency factors are not those of Llama 3",
      "rope_freqs",
      "use a file of a model with plain, linear or Llama 3 RoPE scaling",
    );
  }
  return scaling;
}

/** The divisor of each of the headDim / 2 frequencies. The formula of Hugging Face's `_compute_llama3_parameters`. */
export function llama3Divisors(scaling: Llama3Scaling, headDim: number, theta: number): readonly number[] {
  const { factor, lowFreqFactor, highFreqFactor, originalContextTokens } = scaling;
  return Array.from({ length: headDim / 2 }, (_, i) => {
    const wavelength = 2 * Math.PI * theta ** ((2 * i) / headDim);
    const turns = originalContextTokens / wavelength;
    if (turns > highFreqFactor) return 1;
    if (turns < lowFreqFactor) return factor;
    const smooth = (turns - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
    return 1 / ((1 - smooth) / factor + smooth);
  });
}

/** Longrope as Hugging Face configurations state it: a divisor for each frequency. */
export interface Longrope {
  readonly longFactors: readonly number[];
  readonly shortFactors: readonly number[];
  readonly originalContextTokens: number;
}

/**
 * `magnitude`: what the file multiplies queries and keys with. A configuration does not state it: it follows from the two
 * context lengths.
 */
export function longropeOf(factors: Longrope, contextTokens: number, magnitude: number | undefined): Longrope {
  const { originalContextTokens } = factors;
  const scale = contextTokens / originalContextTokens;
  const expected = scale > 1 ? Math.sqrt(1 + Math.log(scale) / Math.log(originalContextTokens)) : 1;
  if (magnitude !== undefined && Math.abs(magnitude / expected - 1) > 1e-4) {
    throw unsupported(
      `the model's longrope scaling multiplies by ${magnitude}, not by ${expected}`,
      "longrope with another magnitude",
      "use another file of the model",
    );
  }
  return factors;
}
