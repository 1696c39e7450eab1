import type { Formats } from "../../common/format";
import type { StoreStatus } from "../../protocol/service";
import { barPart } from "../shared/bars";
import { type RunAction, sentence, warningView } from "../shared/problem";
import { h, icon, type TreeNode } from "../shared/tree";
import { counter, pane } from "./pane";

export function storeView(store: StoreStatus, formats: Formats, run: RunAction): TreeNode {
  const { bytes, quotaBytes, objects, refused, lastRefusal, lastSaveError, problem } = store;
  const size = formats.bytesOf(bytes, quotaBytes);
  return pane(
    { title: "Disk store", hint: size, wide: true },
    lastSaveError &&
      warningView("save", `Not saved: ${sentence(lastSaveError.what)}`, [{ id: "showLog", label: "Show Log" }], run),
    problem &&
      warningView("store", `Not looked after: ${sentence(problem.what)}`, [{ id: "showLog", label: "Show Log" }], run),
    h(
      "div.bar",
      {
        role: "meter",
        "aria-label": "Disk store",
        "aria-valuemin": 0,
        "aria-valuemax": quotaBytes,
        "aria-valuenow": Math.min(bytes, quotaBytes),
        "aria-valuetext": size,
        class: lastSaveError || bytes > quotaBytes ? "near" : undefined,
      },
      barPart(quotaBytes > 0 ? bytes / quotaBytes : 0),
    ),
    h(
      "dl.counters.num",
      {},
      counter("Objects", formats.count(objects)),
      counter(
        "Refused",
        refused === 0
          ? "0"
          : [icon("warning", "warn"), [formats.count(refused), ...(lastRefusal ? [lastRefusal] : [])].join(", ")],
        lastRefusal,
      ),
    ),
    h("div.acts.small", {}, h("button.link", { on: { click: () => run("openSettings") } }, "Change Quota…")),
  );
}
