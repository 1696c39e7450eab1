/** The steps of a harness program in a home, and their reported results. Plain data: it crosses pipes and files. */

import type { ToolResult } from "../../../src/common/tools";

/** Steps refer to agents by name. */
export type Step =
  | { readonly do: "create"; readonly name: string }
  | { readonly do: "ask"; readonly name: string; readonly text: string }
  /** What the calls of the last answer gave: a further step of its turn. */
  | { readonly do: "results"; readonly name: string; readonly text: string }
  | { readonly do: "fork"; readonly name: string; readonly as: string }
  /** `turns`: number of turns back from the head. */
  | { readonly do: "rewind"; readonly name: string; readonly turns: number }
  | { readonly do: "rename"; readonly name: string; readonly as: string }
  | { readonly do: "save"; readonly name: string }
  | { readonly do: "delete"; readonly name: string }
  | { readonly do: "list" }
  | { readonly do: "collect" }
  | { readonly do: "pause"; readonly ms: number }
  /** Everything is saved and closed, then opened again. */
  | { readonly do: "restart" };

export type Entry =
  | { readonly type: "begin"; readonly step: Step; readonly id?: string }
  | { readonly type: "created"; readonly id: string; readonly name: string }
  /** The message is on disk. */
  | {
      readonly type: "sent";
      readonly id: string;
      readonly turn: string;
      readonly parent: string | null;
      readonly user: string;
      /** Of a step that goes on with results. */
      readonly results?: readonly ToolResult[];
    }
  /** The answer is on disk. `ids`: its tokens. */
  | { readonly type: "answered"; readonly id: string; readonly turn: string; readonly answer: Answer }
  /** The answer was given but is not on disk. */
  | { readonly type: "unsaved"; readonly id: string; readonly turn: string; readonly answer: Answer }
  | { readonly type: "saved"; readonly id: string }
  | { readonly type: "forked"; readonly from: string; readonly id: string; readonly name: string }
  | { readonly type: "rewound"; readonly id: string; readonly turn: string | null }
  | { readonly type: "renamed"; readonly id: string; readonly name: string }
  | { readonly type: "deleted"; readonly id: string }
  /** The step has ended; `code` and `what` of its error, if it failed. */
  | { readonly type: "end"; readonly code?: string; readonly what?: string };

export interface Answer {
  readonly text: string;
  readonly ids: string;
}
