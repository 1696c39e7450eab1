import type { ProgressBar } from "./progress";
import { h, type TreeNode } from "./tree";

/** A part of a bar: its share of the whole in percent, and its fill where it is not the bar's own. */
export function barPart(share: number, options: { readonly class?: string; readonly fill?: string } = {}): TreeNode {
  const width = `${Math.round(Math.max(0, Math.min(1, share)) * 1000) / 10}%`;
  return h("i", {
    class: options.class,
    style: { "--w": width, ...(options.fill ? { "--fill": options.fill } : {}) },
  });
}

export function progressBar(label: string, { kept, done, total, text }: ProgressBar): TreeNode {
  return h(
    "div.bar",
    {
      role: "progressbar",
      "aria-label": label,
      "aria-valuemin": 0,
      "aria-valuemax": total,
      "aria-valuenow": kept + done,
      "aria-valuetext": text,
    },
    kept > 0 && barPart(kept / total, { class: "kept" }),
    barPart(total > 0 ? done / total : 0),
  );
}
