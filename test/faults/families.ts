import type { Verdict } from "./verdict";
import type { World } from "./world";

export interface RunOptions {
  readonly quick: boolean;
  readonly seed: number;
  /** Cases whose id, its family's name before it, contains the text. */
  readonly only?: string | undefined;
}

/** Cases of one kind. A case's id says everything that it needs beside the seed. */
export interface Family {
  readonly name: string;
  /** A case that takes longer hangs. */
  readonly limitMs: number;
  /** Ids of the cases, without the family's name. */
  list(world: World, options: RunOptions): Promise<readonly string[]>;
  run(world: World, id: string, seed: number): Promise<Verdict>;
}
