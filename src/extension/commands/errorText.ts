/**
 * The one place where failures get their words: what happened and its advice come with the error, what was kept and the
 * buttons are chosen here by its code.
 */
import type { ErrorCode, ErrorInfo } from "../../common/errors";
import { createFormats, type Formats } from "../../common/format";
import type { Action, ActionId, Problem } from "../../protocol/page";
import { withNumbers } from "./errorNumbers";

interface Rule {
  /** What was kept, a whole sentence. */
  readonly kept: string;
  /** The first is the one thing to do; a second is there where the first may be impossible. */
  readonly actions: readonly ActionId[];
}

const agentsKept = "Your agents and what they have read are kept.";
const nothingChanged = "Nothing was changed.";
const messageKept = "Your message and the whole conversation are kept.";
const fileUntouched = "The file is untouched and no model folder was written.";

const rules: Readonly<Record<ErrorCode, Rule>> = {
  INVALID_REQUEST: { kept: nothingChanged, actions: [] },
  POOL_EXHAUSTED: { kept: `Nothing was read or generated. ${messageKept}`, actions: ["growPool", "rewind"] },
  CONTEXT_FULL: {
    kept: "Nothing was cut, and the conversation is as it was.",
    actions: ["rewind", "keepLastTurns", "newAgentAlike"],
  },
  MODEL_NOT_FOUND: { kept: agentsKept, actions: ["chooseModel", "getModel"] },
  MODEL_INCOMPLETE: { kept: agentsKept, actions: ["chooseModel", "getStarter"] },
  MODEL_CORRUPT: { kept: agentsKept, actions: ["chooseModel", "getStarter"] },
  MODEL_UNSUPPORTED: { kept: agentsKept, actions: ["chooseModel", "getModel"] },
  MODEL_MISMATCH: { kept: agentsKept, actions: ["chooseModel", "fork"] },
  IMPORT_UNSUPPORTED: { kept: fileUntouched, actions: ["importModel", "getStarter"] },
  IMPORT_CORRUPT: { kept: fileUntouched, actions: ["importModel", "getStarter"] },
  HUB_DENIED: { kept: nothingChanged, actions: ["setHubToken"] },
  HUB_FAILURE: {
    kept: "What was downloaded is kept, and getting the model again goes on from there.",
    actions: ["getModel", "showLog"],
  },
  SERVER_UNKNOWN: { kept: `Nothing was sent. ${messageKept}`, actions: ["connectServer"] },
  SERVER_DENIED: { kept: messageKept, actions: ["connectServer"] },
  SERVER_REFUSED: { kept: messageKept, actions: ["connectServer"] },
  SERVER_FAILURE: { kept: "What the server has said is kept.", actions: ["sendAgain", "showLog"] },
  ADDON_MISSING: { kept: agentsKept, actions: ["diagnose", "showLog"] },
  NATIVE_FAILURE: { kept: agentsKept, actions: ["restartEngine", "showLog"] },
  OUT_OF_MEMORY: { kept: agentsKept, actions: ["unloadModel", "openSettings"] },
  AGENT_NOT_FOUND: { kept: nothingChanged, actions: ["newAgent"] },
  AGENT_LOCKED: { kept: "The conversation can be read here.", actions: ["fork", "tryAgain"] },
  AGENT_CORRUPT: { kept: "Its files were left as they are.", actions: ["repair", "showLog"] },
  AGENT_BUSY: { kept: "The running answer goes on.", actions: [] },
  STORE_CORRUPT: { kept: "The conversation is kept; what was damaged is read again.", actions: ["showLog"] },
  DISK_FULL: {
    kept: "What was read and said is kept in memory until the window closes.",
    actions: ["retrySave", "showLog"],
  },
  IO_FAILURE: { kept: "What was saved before is kept.", actions: ["showLog"] },
  ENGINE_ENDED: {
    kept: "Your agents and what was saved of them are kept; an answer that was running is cut off.",
    actions: ["restartEngine", "showLog"],
  },
  ABORTED: { kept: "What was read and said is kept.", actions: [] },
  USAGE: { kept: nothingChanged, actions: [] },
  INTERNAL: { kept: agentsKept, actions: ["showLog"] },
};

const labels: Readonly<Record<ActionId, string>> = {
  cancelLoad: "Cancel",
  chooseModel: "Choose Model…",
  connectServer: "Connect to a Server…",
  diagnose: "Diagnose",
  editInstructions: "Edit Instructions…",
  fork: "Fork Agent…",
  forkAnother: "Fork an Agent…",
  getModel: "Get Model…",
  getStarter: "Get Starter Model",
  growPool: "Grow Pool",
  importModel: "Import GGUF Model…",
  keepLastTurns: "Keep the Last Turns…",
  loadModel: "Load Model",
  newAgent: "New Agent…",
  newAgentAlike: "New Agent with the Same Instructions…",
  openSettings: "Open Settings",
  regenerate: "Regenerate",
  repair: "Repair Agent",
  restartEngine: "Restart Engine",
  retrySave: "Retry",
  rewind: "Rewind…",
  sendAgain: "Send Again",
  setHubToken: "Set Hub Token…",
  showLog: "Show Log",
  startFromSelection: "Start from the Selection",
  tryAgain: "Try Again",
  unloadModel: "Unload Model",
  verifyStore: "Verify Store",
};

export function action(id: ActionId): Action {
  return { id, label: labels[id] };
}

export interface ProblemContext {
  /** Replaces the code's own sentence where the caller knows better. */
  readonly kept?: string;
  /** BCP 47 tag of the display language. */
  readonly language?: string;
  /** In place of the code's own, where the caller knows what can help. */
  readonly actions?: readonly ActionId[];
  /** Added to them, where the place of the failure has its own way on. */
  readonly also?: readonly ActionId[];
}

export function problemOf(error: ErrorInfo, context: ProblemContext = {}): Problem {
  const rule = rules[error.code];
  const ids = [...new Set([...(context.actions ?? rule.actions), ...(context.also ?? [])])];
  const formats = createFormats(context.language ?? "en");
  return {
    error: withNumbers(error, formats),
    kept: context.kept ?? rule.kept,
    actions: ids.map((id) => (id === "growPool" ? growPool(error, formats) : action(id))),
  };
}

function growPool(error: ErrorInfo, formats: Formats): Action {
  const { needed } = error.facts;
  if (typeof needed !== "number") return action("growPool");
  return { id: "growPool", label: `Grow Pool to ${formats.count(needed)} Blocks` };
}

/** The failure in one paragraph, where there is no room for more: notifications. */
export function problemSentences({ error, kept }: Problem): string {
  return [sentence(error.what), kept ?? "", sentence(error.advice)].filter((part) => part !== "").join(" ");
}

/** The first letter in upper case, one full stop at the end. */
export function sentence(text: string): string {
  const trimmed = text.trim();
  if (trimmed === "") return "";
  const capital = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?…]$/.test(capital) ? capital : `${capital}.`;
}
