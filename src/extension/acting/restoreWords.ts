/** What a person is told before files are put back; without VS Code. */
import type { RestoredFile } from "../../acting/checkpoints";
import { type Formats, plural } from "../../common/format";
import type { PutBackChoice } from "./putFilesBack";

/** More files are counted, not named. */
const mostNamed = 20;

export interface RestoreWords {
  readonly title: string;
  readonly detail: string;
  readonly ways: readonly { readonly label: string; readonly choice: PutBackChoice }[];
}

export function restoreWords(files: readonly RestoredFile[], formats: Formats): RestoreWords {
  const plain = files.filter(({ plan }) => plan.kind === "write").length;
  const conflicts = files.filter(({ plan }) => plan.kind === "conflict").length;
  const named = files.slice(0, mostNamed).map((file) => `${file.shown}: ${wordsOf(file)}`);
  const more = files.length > mostNamed ? [`and ${formats.count(files.length - mostNamed)} more`] : [];
  const put = (count: number) => `Put ${plural(count, "File", formats)} Back`;
  return {
    title:
      plain + conflicts === 0
        ? "None of the files can be put back."
        : `Put ${plural(plain + conflicts, "file", formats)} back as before these turns?`,
    detail: [...named, ...more].join("\n"),
    ways: [
      ...(plain > 0 ? [{ label: put(plain), choice: "plain" as const }] : []),
      ...(conflicts > 0 ? [{ label: `${put(plain + conflicts)}, Keep My Lines`, choice: "all" as const }] : []),
    ],
  };
}

function wordsOf({ plan }: RestoredFile): string {
  switch (plan.kind) {
    case "kept":
      return `stays as it is, because ${plan.why}`;
    case "conflict": {
      const lines = plan.conflicts.map(({ line }) => line).slice(0, 10);
      return `you changed the same lines since (at ${lines.join(", ")}); these stay yours`;
    }
    case "write":
      if (plan.after === undefined) return "is removed, the agent made it";
      if (plan.before === undefined) return "is made again";
      return plan.isMerged ? "is put back, with what you changed since" : "is put back";
  }
}
