import { addFunction, changeGreeting, fixCheck, renameFunction, writeNotes } from "./changing";
import { countTests, findFunction, listFolder, nameProblem, runAndSay } from "./looking";
import type { Task } from "./task";

/** Half of them are held out. */
export const tasks: readonly Task[] = [
  countTests,
  findFunction,
  changeGreeting,
  writeNotes,
  runAndSay,
  addFunction,
  fixCheck,
  renameFunction,
  listFolder,
  nameProblem,
];
