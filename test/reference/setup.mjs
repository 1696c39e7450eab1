#!/usr/bin/env node
/** `node test/reference/setup.mjs`: makes the Python environment of the reference, unless it is there. */
import { SetupError } from "../../native/setup/errors.mjs";
import { ensurePython } from "./environment.mjs";

try {
  const { command } = await ensurePython((text) => console.log(`[reference] ${text}`));
  console.log(`[reference] ready: ${command} with the packages of test/reference/requirements.txt`);
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(`[reference] stopped: ${error.message}\n[reference] what to do:\n  ${error.advice}`);
  process.exitCode = 1;
}
