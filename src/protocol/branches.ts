/** Texts of branches: the same in the chat's list and tree and in the list of places to rewind to. Pure. */
import { type Formats, plural } from "../common/format";
import type { SummaryMark, TurnChain, TurnId } from "./service";

/** One shown chain of turns. */
export interface BranchRow {
  /** Switching to the branch makes this turn the head. */
  readonly turn: TurnId;
  /** The beginning of the answer, or which tools it called; of the message when there is no answer. Of a summary what it stands for. */
  readonly title: string;
  /** The beginning of the message, unless it is the title or the same as in the neighbouring branches. */
  readonly message?: string;
  /** "after turn 3 · 2 turns · 1 further step · 3,294 tokens · 12 min. ago" */
  readonly facts: string;
  /** Date and time of its last message. */
  readonly exactTime: string;
  /** Its last turn is the head. */
  readonly isHead: boolean;
  /** It is part of the branch at the head. */
  readonly isCurrent: boolean;
  /** Number of fork points above it, without those at which it is the current branch. */
  readonly depth: number;
}

/** From this many branches on a tree is shown; fewer are shown as a list. */
export const fewestEndsOfTree = 4;

/** Most rows to draw; the list of places to rewind to has all of them. */
const mostTreeRows = 60;

/** The ends of all branches, newest first, the current one at the start. */
export function branchRows(chains: readonly TurnChain[], formats: Formats, now: number): readonly BranchRow[] {
  const places = new BranchPlaces(chains);
  return endsOf(chains, places).map((chain) => rowOf(chain, places, formats, now));
}

function endsOf(chains: readonly TurnChain[], places: BranchPlaces): readonly TurnChain[] {
  return chains
    .filter((chain) => chain.isEnd || places.isHead(chain))
    .sort((a, b) => Number(places.isHead(b)) - Number(places.isHead(a)) || b.createdAt - a.createdAt);
}

export interface BranchTree {
  readonly rows: readonly BranchRow[];
  /** Number of chains that are not among the rows. */
  readonly more: number;
}

/**
 * The chains in the order of a tree: each is followed by the branches that fork off after it, the current one last and
 * at the same depth. At most `most` rows: the current branch from its end, then the newest ends with their ancestors.
 */
export function branchTree(
  chains: readonly TurnChain[],
  formats: Formats,
  now: number,
  most: number = mostTreeRows,
): BranchTree {
  const places = new BranchPlaces(chains);
  const wanted = wantedChains(chains, places, most);
  const rows: BranchRow[] = [];
  const stack = [...places.after(undefined)].reverse();
  for (let chain = stack.pop(); chain !== undefined; chain = stack.pop()) {
    if (wanted.has(chain.turn)) rows.push(rowOf(chain, places, formats, now));
    stack.push(...[...places.after(chain.turn)].reverse());
  }
  return { rows, more: chains.length - rows.length };
}

function wantedChains(chains: readonly TurnChain[], places: BranchPlaces, most: number): ReadonlySet<TurnId> {
  const wanted = new Set<TurnId>();
  for (const end of endsOf(chains, places)) {
    for (let chain: TurnChain | undefined = end; chain !== undefined; chain = places.before(chain)) {
      if (wanted.size >= most) return wanted;
      if (wanted.has(chain.turn)) break; // its ancestors are included too
      wanted.add(chain.turn);
    }
  }
  return wanted;
}

function rowOf(chain: TurnChain, places: BranchPlaces, formats: Formats, now: number): BranchRow {
  const { turn, answer, user, summary, tokens, turns, steps = 0, called = [], createdAt } = chain;
  const siblings = places.after(chain.after);
  const before = places.turnsBefore(chain);
  const inside = user === "" ? "in" : "after";
  const where = before === 0 ? "from the start" : `${inside} turn ${formats.count(before)}`;
  const calls = called.length === 0 ? "" : `calls ${called.join(", ")}`;
  const size = [
    ...(turns > 0 ? [plural(turns, "turn", formats)] : []),
    ...(steps > 0 ? [plural(steps, turns > 0 ? "further step" : "step", formats)] : []),
  ];
  const hasOwnMessage =
    summary === undefined &&
    (answer !== "" || called.length > 0) &&
    user !== "" &&
    siblings.some((other) => other.user !== user);
  return {
    turn,
    title: summary ? summaryTitle(summary, formats) : titleOf(answer === "" ? calls : answer, user),
    ...(hasOwnMessage ? { message: flat(user) } : {}),
    facts: [where, ...size, plural(tokens, "token", formats), formats.ago(now - createdAt)].join(" · "),
    exactTime: formats.dateTime(createdAt),
    isHead: places.isHead(chain),
    isCurrent: chain.current,
    depth: places.depth(chain),
  };
}

/** Of turns in whose place a summary stands. */
export function summaryTitle({ turns }: SummaryMark, formats: Formats): string {
  return `Summary of ${plural(turns, "earlier turn", formats)}`;
}

function titleOf(said: string, user: string): string {
  return said === "" ? flat(user) : flat(withoutMarks(said));
}

/** The beginning of an answer without Markdown that is noise in one line: fences, code and bold marks, headings. */
function withoutMarks(answer: string): string {
  const text = answer.replace(/^ *(```|~~~).*$/gm, " ").replace(/`+|\*\*|^#{1,6} /gm, "");
  return text.trim() === "" ? answer : text;
}

function flat(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

/** How the chains of a tree follow each other. */
class BranchPlaces {
  private readonly chains: ReadonlyMap<TurnId, TurnChain>;
  private readonly followers = new Map<TurnId | undefined, TurnChain[]>();
  private readonly turnsUpTo = new Map<TurnId, number>();
  private readonly depths = new Map<TurnId, number>();
  private readonly head: TurnId | undefined;

  /** `chains`: parents first. */
  constructor(chains: readonly TurnChain[]) {
    this.chains = new Map(chains.map((chain) => [chain.turn, chain]));
    for (const chain of chains) {
      const followers = this.followers.get(chain.after) ?? [];
      followers.push(chain);
      this.followers.set(chain.after, followers);
    }
    for (const followers of this.followers.values()) {
      followers.sort((a, b) => Number(a.current) - Number(b.current) || a.createdAt - b.createdAt);
    }
    for (const chain of chains) {
      this.turnsUpTo.set(chain.turn, this.turnsBefore(chain) + chain.turns);
      const above = chain.after === undefined ? 0 : (this.depths.get(chain.after) ?? 0);
      const isAside = !chain.current && this.after(chain.after).length > 1;
      this.depths.set(chain.turn, above + (isAside ? 1 : 0));
    }
    this.head = chains.filter(({ current }) => current).at(-1)?.turn;
  }

  isHead({ turn }: TurnChain): boolean {
    return turn === this.head;
  }

  before({ after }: TurnChain): TurnChain | undefined {
    return after === undefined ? undefined : this.chains.get(after);
  }

  after(turn: TurnId | undefined): readonly TurnChain[] {
    return this.followers.get(turn) ?? [];
  }

  turnsBefore({ after }: TurnChain): number {
    return after === undefined ? 0 : (this.turnsUpTo.get(after) ?? 0);
  }

  depth({ turn }: TurnChain): number {
    return this.depths.get(turn) ?? 0;
  }
}
