import { FakeLocks } from "../../support/store/fakes";
import type { Finding } from "../verdict";
import type { World } from "../world";
import { type JudgeOptions, judge } from "./judge";
import { ageAll, leftoversIn } from "./leftovers";
import { Program } from "./program";
import type { Truth } from "./truth";

/**
 * Opens a home in which a program ended and returns what is wrong with it; then checks that unreferenced files are
 * removed when they are old enough.
 */
export async function aftermath(
  { model, oracle }: World,
  home: string,
  truth: Truth,
  options: JudgeOptions = {},
): Promise<readonly Finding[]> {
  const opened = async (body: (program: Program) => Promise<readonly Finding[]>): Promise<readonly Finding[]> => {
    await ageAll(home);
    const program = new Program({ home, model, locks: new FakeLocks() });
    try {
      return await body(program);
    } finally {
      await program.close();
    }
  };
  const findings = await opened((program) => judge(program, truth, oracle, options));
  if (findings.length > 0) return findings;
  const left = await opened((program) => program.collect());
  return [...left, ...(await leftoversIn(home, truth))];
}
