import { h, type TreeNode } from "../shared/tree";

/** Height of the drawing in its own units; the width is 100. */
const height = 28;

/** The line through `values`, from the left edge to the right, with 0 at the bottom and `top` at the top. */
export function linePath(values: readonly number[], top: number): string {
  const last = Math.max(1, values.length - 1);
  const points = values.map((value, index) => `${((index / last) * 100).toFixed(1)} ${yOf(value, top)}`);
  return points.length === 1 ? `M${points[0]}L100 ${yOf(values[0] ?? 0, top)}` : `M${points.join("L")}`;
}

function yOf(value: number, top: number): string {
  return (top > 0 ? height - (value / top) * height : height).toFixed(1);
}

/** `label` describes the line in words. `goal` is drawn as a dashed line. */
export function sparkline(values: readonly number[], label: string, goal?: number): TreeNode {
  const top = Math.max(...values, goal ?? 0) * 1.05;
  const line = values.length === 0 ? "" : linePath(values, top);
  return h(
    "svg.line",
    { viewBox: `0 0 100 ${height}`, preserveAspectRatio: "none", role: "img", "aria-label": label },
    line !== "" && h("path.area", { d: `${line}L100 ${height}L0 ${height}Z` }),
    goal !== undefined && h("path.goal", { d: `M0 ${yOf(goal, top)}H100` }),
    line !== "" && h("path", { d: line }),
  );
}
