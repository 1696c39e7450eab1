import { type Formats, plural } from "../../common/format";
import { callFiguresText, callFiguresView } from "../shared/callFigures";
import { h, icon, type TreeNode } from "../shared/tree";
import type { ShownTurn } from "./shownTurns";
import { stepsSum } from "./stepsSum";

/**
 * The steps of a turn before its last one in one line, which opens them: what they did and took. What failed, was denied
 * or warns of something is seen without opening them.
 */
export function stepsLine(turn: ShownTurn, isOpen: boolean, toggle: () => void, formats: Formats): TreeNode {
  const sum = stepsSum(turn, formats);
  const steps = plural(sum.steps, "step", formats);
  const done = sum.done.join(" · ");
  const marks: readonly (readonly [number, string, string, string?])[] = [
    [sum.failed, `${formats.count(sum.failed)} failed`, "error", "err"],
    [sum.denied, `${formats.count(sum.denied)} denied`, "circle-slash"],
    [sum.notRun, `${formats.count(sum.notRun)} not run`, "circle-slash"],
    [sum.warnings, plural(sum.warnings, "warning", formats), "warning", "warn"],
  ];
  const seen = marks.filter(([count]) => count > 0);
  // For a pointer, where the line is cut. On the button itself it would be read out behind the same words.
  const title = [steps, ...sum.done, ...seen.map(([, words]) => words), callFiguresText(sum, formats)]
    .filter((part) => part !== "")
    .join(" · ");
  return h(
    "button.steps-line",
    {
      key: "steps",
      "aria-expanded": String(isOpen),
      on: { click: toggle },
    },
    icon("chevron-down", "fold"),
    h("span.call-name.num", {}, steps),
    h("span.call-arguments.cut.num", { title }, done),
    seen.map(([, words, glyph, tint]) => h("span.mark.num", {}, icon(glyph, tint), words)),
    callFiguresView(sum, formats),
  );
}
