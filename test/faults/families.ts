import type { Verdict } from "./verdict";
import type { World } from "./world";

export interface RunOptions {
  readonly quick: boolean;
  readonly seed: number;
  /** Only cases whose id, with the family's name before it, contains this text. */
  readonly only?: string | undefined;
}

/** Cases of one kind. A case is determined by its id and the seed. */
export interface Family {
  readonly name: string;
  /** A case that takes longer counts as hung. */
  readonly limitMs: number;
  /** Ids of the cases, without the family's name. */
  list(world: World, options: RunOptions): Promise<readonly string[]>;
  run(world: World, id: string, seed: number): Promise<Verdict>;
}
