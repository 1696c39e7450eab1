/** The outcome of a case. The last four are failures. */
export const outcomes = ["refused", "harmless", "lost", "wrong", "crashed", "hung"] as const;
export type Outcome = (typeof outcomes)[number];

export interface Verdict {
  readonly outcome: Outcome;
  /** What was found; always present for a failure. */
  readonly detail: string;
}

const badOutcomes: readonly Outcome[] = ["lost", "wrong", "crashed", "hung"];

export function isBad({ outcome }: Verdict): boolean {
  return badOutcomes.includes(outcome);
}

/** A fault that was found in a home. */
export interface Finding {
  readonly kind: "lost" | "wrong";
  readonly what: string;
}

export const lost = (what: string): Finding => ({ kind: "lost", what });
export const wrong = (what: string): Finding => ({ kind: "wrong", what });

/** Thrown by checks that stop at the first finding. */
export class Found extends Error {
  constructor(readonly finding: Finding) {
    super(finding.what);
  }
}

/** The worst of `findings`, or `otherwise`. */
export function verdictOf(findings: readonly Finding[], otherwise: Verdict): Verdict {
  const worst = findings.find(({ kind }) => kind === "lost") ?? findings[0];
  if (worst === undefined) return otherwise;
  const told = [worst, ...findings.filter((finding) => finding !== worst)].slice(0, 3).map(({ what }) => what);
  const more = findings.length - told.length;
  return { outcome: worst.kind, detail: `${told.join("; ")}${more > 0 ? `; and ${more} more` : ""}` };
}
