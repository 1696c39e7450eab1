import type { GenerationEvent } from "../protocol/service";
import type { Console } from "./console";

/** The answer goes to stdout alone: what was thought before it goes to stderr. */
export function answerPrinter(console: Console): (event: GenerationEvent) => void {
  let line = "";
  return (event) => {
    if (event.type === "thinking") {
      const lines = (line + event.text).split("\n");
      line = lines.pop() ?? "";
      for (const whole of lines) if (whole.trim() !== "") console.err(`[thought] ${whole}`);
      return;
    }
    if ((event.type === "text" || event.type === "done") && line.trim() !== "") console.err(`[thought] ${line}`);
    if (event.type === "text" || event.type === "done") line = "";
    if (event.type === "text") console.out(event.text);
  };
}
