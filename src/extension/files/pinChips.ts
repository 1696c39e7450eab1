import type { PinnedFileChip, PinnedFileState } from "../../protocol/chatFiles";
import type { AgentSummary } from "../../protocol/service";
import { digestOf } from "./digest";
import type { Pin, RefusedPin, Renewal } from "./pin";

export interface PinView {
  readonly pins: readonly Pin[];
  readonly refused: readonly RefusedPin[];
  readonly renewal: Renewal | undefined;
  /** From this one on they are being read. */
  readonly readingFrom: number | undefined;
  readonly summary: AgentSummary | undefined;
  /** The digest of what the conversation says last of each file. */
  readonly told: ReadonlyMap<string, string>;
}

/** The pinned files as a page shows them. `sharedWith`: names of agents that have the same ones. */
export function pinnedFileState(view: PinView, sharedWith: readonly string[]): PinnedFileState {
  const { pins, refused, renewal, readingFrom, summary, told } = view;
  const chips = pins.map((pin, index) => {
    return readingFrom !== undefined && index >= readingFrom ? readingChip(pin) : pinChip(pin, told.get(pin.path));
  });
  const isReading = readingFrom !== undefined;
  const progress = isReading ? summary?.reading : undefined;
  const tokensRead = summary?.filesRead?.prefilled;
  return {
    files: [...chips, ...refused.map((one): PinnedFileChip => ({ ...one, state: "refused" }))],
    ...totalOf(pins),
    ...(progress && { progress: { done: progress.done, total: progress.total } }),
    ...(renewal && !isReading && tokensRead !== undefined ? { renewed: { ...renewal, tokensRead } } : {}),
    ...(pins.length > 0 && sharedWith.length > 0 ? { sharedWith } : {}),
  };
}

function totalOf(pins: readonly Pin[]): Pick<PinnedFileState, "tokens"> {
  const counts = pins.flatMap(({ tokens }) => (tokens === undefined ? [] : [tokens]));
  if (pins.length === 0 || counts.length < pins.length) return {};
  return { tokens: counts.reduce((sum, count) => sum + count, 0) };
}

function readingChip({ path, tokens }: Pin): PinnedFileChip {
  return { path, ...(tokens === undefined ? {} : { tokens }), state: "reading" };
}

/** `told`: the digest of what the conversation says last of the file. */
function pinChip({ path, tokens, now, movedTo }: Pin, told: string | undefined): PinnedFileChip {
  const chip = { path, ...(tokens === undefined ? {} : { tokens }) };
  const isTold = "told" in now && told !== undefined && digestOf(now.told) === told;
  switch (now.is) {
    case "unknown":
    case "same":
      return { ...chip, state: "read" };
    case "elsewhere":
      return {
        ...chip,
        state: "read",
        problem: "It is not in the folders that are open here: its changes are not seen.",
      };
    case "changed":
      return {
        ...chip,
        state: isTold ? "read" : "changed",
        ...(movedTo === undefined ? {} : { problem: `It is ${movedTo} now.` }),
      };
    case "rewritten":
      return {
        ...chip,
        state: "changed",
        problem: "Most of it is different: it is read again when the agent is idle.",
      };
    case "gone":
      return { ...chip, state: isTold ? "read" : "changed", problem: now.problem };
  }
}

/** Whether two agents begin with the same tokens up to the end of their pinned files, as far as a list tells. */
export function haveSameFiles(a: AgentSummary, b: AgentSummary): boolean {
  const [files, others] = [a.files ?? [], b.files ?? []];
  return (
    files.length > 0 &&
    files.length === others.length &&
    a.modelDirectory === b.modelDirectory &&
    a.server === undefined &&
    b.server === undefined &&
    a.day === b.day &&
    a.thinking === b.thinking &&
    JSON.stringify(a.tools ?? []) === JSON.stringify(b.tools ?? []) &&
    files.every(({ path, digest }, at) => others[at]?.path === path && others[at].digest === digest)
  );
}
