import { FakeLocks } from "../../support/store/fakes";
import type { Finding } from "../verdict";
import type { World } from "../world";
import { type JudgeOptions, judge } from "./judge";
import { ageAll, leftoversIn } from "./leftovers";
import { Program } from "./program";
import type { Truth } from "./truth";

/** Opens a home in which a program came to its end, and says what is wrong with it: at once, and after it was closed again. */
export async function aftermath(
  { model, oracle }: World,
  home: string,
  truth: Truth,
  options: JudgeOptions = {},
): Promise<readonly Finding[]> {
  await ageAll(home);
  const program = new Program({ home, model, locks: new FakeLocks() });
  try {
    const findings = await judge(program, truth, oracle, options);
    if (findings.length > 0) return findings;
  } finally {
    await program.close();
  }
  return leftoversIn(home, truth);
}
