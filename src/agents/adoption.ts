/** Taking over the branch of a fork: where the two conversations part, and what is copied from there on. */
import { InvalidRequestError, ResidentError } from "../common/errors";
import type { TurnId } from "../protocol/service";
import type { Manifest } from "../store/manifest";
import { modelOf } from "./agentModel";
import type { TurnRecord } from "./turnRecords";
import type { Turn, TurnTree } from "./turnTree";

export interface Adoption {
  /** The branch's turns that the agent does not have, as records of its log. They keep their prompts, ids, steps and figures. */
  readonly records: readonly TurnRecord[];
  /** The agent's turn that the branch ends with; new where there are records. */
  readonly last: TurnId;
}

interface Side {
  readonly manifest: Manifest;
  readonly tree: TurnTree;
}

/**
 * What `agent` takes over of the branch at the head of `source`. Turns that it has already are found by their content, also
 * under other ids: a second adoption of the same branch adds nothing. Throws MODEL_MISMATCH and INVALID_REQUEST.
 */
export function adoptionOf(agent: Side, source: Side): Adoption {
  assertSameModel(agent.manifest, source.manifest);
  const branch = source.tree.branch(source.manifest.head);
  const followers = followersIn(agent.tree);
  let last: TurnId | undefined;
  let known = 0;
  for (const turn of branch) {
    const same = followers.get(last)?.find((candidate) => isSameTurn(candidate, turn));
    if (same === undefined) break;
    last = same.id;
    known += 1;
  }
  assertRelated(agent, source, known);
  const rest = branch.slice(known);
  const ids = agent.tree.nextIds(rest.length);
  const records = rest.flatMap((turn, index) => copyOf(turn, ids[index] ?? "", ids[index - 1] ?? last));
  const end = ids.at(-1) ?? last;
  if (end !== undefined) return { records, last: end };
  throw new InvalidRequestError(`${source.manifest.name} has no turn yet`, "let it answer first", {
    agent: source.manifest.id,
  });
}

/** The prompts and ids of a turn mean something to one model only. */
function assertSameModel(agent: Manifest, source: Manifest): void {
  const [ours, theirs] = [modelOf(agent), modelOf(source)];
  const isSame = ours.modelDirectory === theirs.modelDirectory && ours.server === theirs.server;
  if (isSame && (ours.server === "" || ours.modelName === theirs.modelName)) return;
  throw new ResidentError(
    "MODEL_MISMATCH",
    `${source.name} is answered by ${theirs.modelName}, and ${agent.name} by ${ours.modelName}`,
    "adopt a fork that has the agent's model",
    { agent: agent.id, from: source.id },
  );
}

function assertRelated(agent: Side, source: Side, known: number): void {
  // A delegate may have begun before the first turn.
  const isRelated =
    known > 0 || source.manifest.delegateOf === agent.manifest.id || sharesTurns(agent.tree, source.tree);
  if (isRelated) return;
  throw new InvalidRequestError(
    `${source.manifest.name} is no fork of ${agent.manifest.name}: they have no turn in common`,
    "adopt a fork of the agent",
    { agent: agent.manifest.id, from: source.manifest.id },
  );
}

function sharesTurns(agent: TurnTree, source: TurnTree): boolean {
  return source.all().some((turn) => {
    const ours = agent.get(turn.id);
    return ours !== undefined && isSameTurn(ours, turn);
  });
}

function followersIn(tree: TurnTree): ReadonlyMap<TurnId | undefined, readonly Turn[]> {
  const followers = new Map<TurnId | undefined, Turn[]>();
  for (const turn of tree.all()) {
    const others = followers.get(turn.parent);
    if (others === undefined) followers.set(turn.parent, [turn]);
    else others.push(turn);
  }
  return followers;
}

/** The same message at the same time with the same answer, as far as it goes. */
function isSameTurn(a: Turn, b: Turn): boolean {
  return (
    a.createdAt === b.createdAt &&
    a.answerText === b.answerText &&
    a.thought === b.thought &&
    a.answerIds.length === b.answerIds.length &&
    a.answerIds.every((id, index) => id === b.answerIds[index]) &&
    JSON.stringify([a.input, a.calls]) === JSON.stringify([b.input, b.calls])
  );
}

function copyOf(turn: Turn, id: TurnId, parent: TurnId | undefined): readonly TurnRecord[] {
  const {
    input,
    createdAt: at,
    summary,
    prompt,
    thought,
    answerText: text,
    raw,
    calls,
    dropped,
    answerIds: ids,
  } = turn;
  const records: TurnRecord[] = [
    { type: "turn", turn: id, input, at, ...(parent === undefined ? {} : { parent }), ...(summary && { summary }) },
  ];
  if (prompt !== undefined) records.push({ type: "prompt", turn: id, ...prompt });
  if (ids.length > 0 || text !== "" || thought !== "" || calls.length > 0 || dropped !== undefined) {
    const more = { ...(raw === undefined ? {} : { raw }), ...(dropped === undefined ? {} : { dropped }) };
    records.push({ type: "answer", turn: id, thought, text, ...more, calls, ids });
  }
  if (turn.end !== undefined) records.push({ type: "end", turn: id, ...turn.end });
  return records;
}
