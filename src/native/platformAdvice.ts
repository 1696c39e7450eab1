import path from "node:path";

/** What is known when the addon of this platform cannot be loaded, so that every machine can be played on any. */
export interface PlatformFacts {
  readonly system: NodeJS.Platform;
  readonly processor: string;
  /** A program for Intel Macs that runs on Apple silicon. */
  readonly isTranslated: boolean;
  /** The kernel's version: Darwin 23 is macOS 14. */
  readonly kernel: string;
  /** The addon's folder. */
  readonly folder: string;
  /** What the system says; undefined: the addon is not there. */
  readonly said: string | undefined;
}

export interface PlatformProblem {
  readonly why: string;
  readonly advice: string;
}

const oldestDarwin = 23;

/** The reason that a person can do something about, or undefined: what the system says has to do. */
export function platformProblem(facts: PlatformFacts): PlatformProblem | undefined {
  return facts.system === "darwin" ? (machineProblem(facts) ?? loadProblem(facts)) : undefined;
}

function machineProblem({ processor, isTranslated, kernel }: PlatformFacts): PlatformProblem | undefined {
  if (isTranslated) {
    return {
      why: "this program is built for Intel Macs and runs in Rosetta, where MLX does not work",
      advice: "install the build of VS Code, or of Node, for Apple silicon",
    };
  }
  if (processor !== "arm64") {
    return {
      why: "this Mac has an Intel processor, and there is no MLX for it",
      advice: "use a Mac with Apple silicon, or a Linux machine through Remote - SSH",
    };
  }
  if (Number.parseInt(kernel, 10) < oldestDarwin) {
    return { why: "this macOS is too old for MLX", advice: "update to macOS 14 or newer" };
  }
  return undefined;
}

function loadProblem({ folder, said = "" }: PlatformFacts): PlatformProblem | undefined {
  if (/system policy|code signature|quarantine/i.test(said)) {
    const extension = path.dirname(path.dirname(path.dirname(folder)));
    return {
      why: `macOS refuses to load it: ${said}`,
      advice: `if you trust where this copy came from, run: xattr -dr com.apple.quarantine "${extension}"`,
    };
  }
  if (/newer than (the )?running OS|built for (macOS|newer)/i.test(said)) {
    return {
      why: `it is built for a newer macOS: ${said}`,
      advice: "install the package for macOS 14 and newer, or run `npm run setup` in a checkout",
    };
  }
  return undefined;
}

/** MLX on macOS needs its Metal kernels next to its library, and reports a missing file only when it computes. */
export function missingKernels(
  system: NodeJS.Platform,
  folder: string,
  exists: (file: string) => boolean,
): string | undefined {
  const kernels = path.join(folder, "mlx", "lib", "mlx.metallib");
  return system !== "darwin" || exists(kernels) ? undefined : kernels;
}
