import type { Family } from "../families";
import { callFaults } from "./callFaults";
import { cli } from "./cli";
import { cuts } from "./cuts";
import { damages } from "./damages";
import { forged } from "./forged";
import { killPoints, kills } from "./kills";
import { pairs } from "./pairs";
import { specialFiles, strayFiles } from "./specialFiles";

export const families: readonly Family[] = [
  kills,
  killPoints,
  cuts,
  callFaults,
  damages,
  specialFiles,
  strayFiles,
  forged,
  pairs,
  cli,
];

export function familyOf(id: string): { readonly family: Family; readonly rest: string } {
  const slash = id.indexOf("/");
  const family = families.find(({ name }) => name === id.slice(0, slash));
  if (family === undefined) throw new Error(`there is no family of the case ${id}`);
  return { family, rest: id.slice(slash + 1) };
}
