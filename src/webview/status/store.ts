import type { ErrorInfo } from "../../common/errors";
import type { Formats } from "../../common/format";
import type { StoreStatus, StoreVerified } from "../../protocol/service";
import type { StatusCommand } from "../../protocol/status";
import { barPart } from "../shared/bars";
import { sentence } from "../shared/problem";
import { type Children, h, icon, type TreeNode } from "../shared/tree";
import { counter, pane } from "./pane";

export interface StoreContext {
  readonly formats: Formats;
  readonly now: number;
  readonly run: (command: StatusCommand) => void;
}

export function storeView(store: StoreStatus, { formats, now, run }: StoreContext): TreeNode {
  const { bytes, quotaBytes, objects, refused, lastRefusal, lastSaveError, problem, lastVerified } = store;
  const size = formats.bytesOf(bytes, quotaBytes);
  const link = (label: string, command: StatusCommand) =>
    h("button.link", { key: label, on: { click: () => run(command) } }, label);
  const showLog = link("Show Log", { type: "act", action: "showLog" });
  return pane(
    { title: "Disk store", hint: size, wide: true },
    lastSaveError && warning("Not saved", lastSaveError, [link("Free Space", { type: "freeSpace" }), showLog]),
    problem && warning("Not looked after", problem, [showLog]),
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
      counter("Last verified", verified(lastVerified, formats, now), lastVerified?.at),
      counter(
        "Refused",
        refused === 0
          ? "0"
          : [icon("warning", "warn"), [formats.count(refused), ...(lastRefusal ? [lastRefusal] : [])].join(", ")],
        lastRefusal,
      ),
    ),
    h(
      "div.acts.small",
      {},
      link("Verify Now", { type: "verifyStore" }),
      link("Change Quota…", { type: "changeQuota" }),
      link("All Settings…", { type: "act", action: "openSettings" }),
    ),
  );
}

/** When, and what was found: "12 min ago, 813 good". */
function verified(last: StoreVerified | undefined, formats: Formats, now: number): Children {
  if (last === undefined) return "never";
  const { at, checked, problems, stopped } = last;
  const ago = formats.ago(now - Date.parse(at));
  if (problems > 0) {
    return [icon("warning", "warn"), `${ago}, ${formats.count(problems)} of ${formats.count(checked.objects)} bad`];
  }
  return `${ago}, ${formats.count(checked.objects)} good${stopped ? ", then stopped" : ""}`;
}

function warning(what: string, error: ErrorInfo, links: Children): TreeNode {
  return h(
    "div.notice",
    { key: what, role: "note" },
    icon("warning", "warn"),
    h("div.grow.num.says", {}, h("span", {}, `${what}: ${sentence(error.what)}`), h("div.acts", {}, links)),
  );
}
