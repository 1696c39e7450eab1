import type { ChatSnapshot, ChatUpdate } from "../../protocol/chat";
import type { PageTurn } from "../../protocol/page";
import type { ResultView, TurnId } from "../../protocol/service";
import { withProgress, withText } from "../shared/turnUpdates";
import type { WaitsFor } from "./opening";

/** What the page knows. `stale`: an update did not fit, so the page must ask for a new snapshot. */
export interface ChatState {
  readonly snapshot: ChatSnapshot | undefined;
  readonly stale: boolean;
  /** What the first snapshot waits for. */
  readonly waitsFor: WaitsFor;
}

export const emptyChat: ChatState = { snapshot: undefined, stale: false, waitsFor: "engine" };

export function reduceChat(state: ChatState, update: ChatUpdate): ChatState {
  if (update.type === "snapshot") return { ...state, snapshot: update.snapshot, stale: false };
  if (update.type === "opening") return { ...state, waitsFor: update.waitsFor };
  const { snapshot } = state;
  if (!snapshot) return state; // the snapshot, which is on its way, contains it
  const next = (change: Partial<ChatSnapshot>): ChatState => ({ ...state, snapshot: { ...snapshot, ...change } });
  switch (update.type) {
    case "agent": {
      const { readOnly: _, ...rest } = snapshot;
      const { agent, system = snapshot.system, readOnly, contextParts } = update;
      const change = { ...(readOnly ? { readOnly } : {}), ...(contextParts ? { contextParts } : {}) };
      return { ...state, snapshot: { ...rest, agent, system, ...change } };
    }
    case "branch":
      return next(update.branch);
    case "branches":
      return next({ branches: update.branches });
    case "turn":
      return next({ turns: placed(snapshot.turns, withLongerResults(update.turn, snapshot.turns)) });
    case "result": {
      const turn = turnById(snapshot.turns, update.turn);
      return turn ? next({ turns: placed(snapshot.turns, withResult(turn, update.result)) }) : state;
    }
    case "progress": {
      const turn = turnById(snapshot.turns, update.turn);
      return turn ? next({ turns: placed(snapshot.turns, withProgress(turn, update.progress)) }) : state;
    }
    case "text": {
      const turn = turnById(snapshot.turns, update.turn);
      const grown = turn && withText(turn, update.delta);
      return grown ? next({ turns: placed(snapshot.turns, grown) }) : { ...state, stale: true };
    }
    case "modelFacts":
      return next({ modelFacts: update.facts });
    case "engine":
      return next({ engine: update.engine });
    case "selection": {
      const { selection: _, ...rest } = snapshot;
      const { selection } = update;
      return { ...state, snapshot: { ...rest, ...(selection ? { selection } : {}) } };
    }
    case "attachments":
      return next({ attachments: update.attachments });
    case "pinnedFiles":
      return next({ pinnedFiles: update.files });
    case "acting":
      return next({ acting: update.state });
    case "ways": {
      const { ways: _, ...rest } = snapshot;
      return { ...state, snapshot: { ...rest, ...(update.ways ? { ways: update.ways } : {}) } };
    }
    case "wayProgress":
      return withWay(state, update.way, (turn) => withProgress(turn, update.progress));
    case "wayText":
      return withWay(state, update.way, (turn) => withText(turn, update.delta));
    case "draftSize":
    case "focusMessage":
    case "foundFiles":
    case "refused":
      return state; // the message field has them, not the state
  }
}

/** A way whose update does not fit what the page has makes the state stale, as a turn's does. */
function withWay(state: ChatState, index: number, change: (turn: PageTurn) => PageTurn | undefined): ChatState {
  const { snapshot } = state;
  const way = snapshot?.ways?.ways[index];
  if (snapshot?.ways === undefined || way === undefined) return state;
  const turn = change(way.turn);
  if (turn === undefined) return { ...state, stale: true };
  const ways = snapshot.ways.ways.map((one, at) => (at === index ? { ...one, turn } : one));
  return { ...state, snapshot: { ...snapshot, ways: { ...snapshot.ways, ways } } };
}

/** `turns` in which `turn` replaces the turn with the same id, or is added at the end. */
function placed(turns: readonly PageTurn[], turn: PageTurn): readonly PageTurn[] {
  const at = lastIndexOf(turns, turn.id);
  if (at === -1) return [...turns, turn];
  const next = turns.slice();
  next[at] = turn;
  return next;
}

function withResult(turn: PageTurn, result: ResultView): PageTurn {
  const { results } = turn;
  return results ? { ...turn, results: results.map((one) => (one.call === result.call ? result : one)) } : turn;
}

/** The host sends beginnings each time: what a person has asked for of the same results stays. */
function withLongerResults(turn: PageTurn, turns: readonly PageTurn[]): PageTurn {
  const known = turn.results && turnById(turns, turn.id)?.results;
  return known ? { ...turn, results: known } : turn;
}

/** Searches from the end: nearly all updates are about the last turn. */
function lastIndexOf(turns: readonly PageTurn[], id: TurnId): number {
  for (let at = turns.length - 1; at >= 0; at--) if (turns[at]?.id === id) return at;
  return -1;
}

export function turnById(turns: readonly PageTurn[], id: TurnId): PageTurn | undefined {
  return turns[lastIndexOf(turns, id)];
}
