import { processConsole } from "./console";
import { runProgram } from "./program";

// The reader of the output may end first (`| head`): the answer is finished and saved all the same.
process.stdout.on("error", () => undefined);

void runProgram(process.argv.slice(2), processConsole).then((code) => {
  process.exitCode = code;
});
