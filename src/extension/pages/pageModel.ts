/** What the pages show of the service's data: failures get their words and buttons, running answers their progress. */
import type { ActionId, PageEngine, PageTurn, Problem } from "../../protocol/page";
import type { AgentSummary, EngineState, TurnView } from "../../protocol/service";
import { withCalls, withShortResults } from "../../protocol/turnSteps";
import { action, problemOf } from "../commands/errorText";
import type { RunState } from "./runFollower";

/** Sending the same again cannot help with these. */
const unrepeatable: ReadonlySet<string> = new Set(["CONTEXT_FULL", "INVALID_REQUEST", "AGENT_LOCKED", "AGENT_CORRUPT"]);

/** `run`: what has come of its answer, where it runs. `before`: the turn before it. */
export function pageTurn(turn: TurnView, language: string, run?: RunState, before?: TurnView): PageTurn {
  const { error, saveError, ...plain } = withShortResults(turn);
  const refused = turn.figures?.cache.refused !== undefined;
  return {
    ...plain,
    ...(turn.state === "running" && run ? runParts(run, turn) : {}),
    ...(error
      ? { problem: problemOf(error, { language, also: unrepeatable.has(error.code) ? [] : ["sendAgain"] }) }
      : {}),
    ...(saveError
      ? {
          saveProblem: problemOf(saveError, {
            language,
            kept: "The answer is kept in memory until the window closes.",
            also: ["retrySave"],
          }),
        }
      : {}),
    ...(refused ? { refusalActions: [action("showLog"), action("verifyStore")] } : {}),
    // What was read and said before the message is what was stored.
    ...(refused && before?.figures
      ? { storedTokens: before.figures.promptTokens + before.figures.generatedTokens }
      : {}),
  };
}

/** What has come of the answer of `turn` so far. */
export function runParts(
  run: RunState,
  turn: Pick<TurnView, "calls">,
): Pick<PageTurn, "thought" | "answer" | "calls" | "dropped" | "progress" | "figures"> {
  return {
    ...saidIn(run, turn),
    ...(run.progress ? { progress: run.progress } : {}),
    ...(run.figures ? { figures: run.figures } : {}),
  };
}

/** Calls that it made before it was cut and continued are not of this run, but they are its own. */
export function saidIn(
  run: RunState,
  turn: Pick<TurnView, "calls">,
): Pick<TurnView, "thought" | "answer" | "calls" | "dropped"> {
  const calls = withCalls(turn.calls, run.calls);
  return {
    ...(run.thought === undefined ? {} : { thought: run.thought }),
    answer: run.text,
    ...(calls === undefined ? {} : { calls }),
    ...(run.dropped === undefined ? {} : { dropped: run.dropped }),
  };
}

export function pageEngine(state: EngineState): PageEngine {
  return { state, actions: engineActions(state).map(action) };
}

function engineActions(state: EngineState): readonly ActionId[] {
  switch (state.type) {
    case "idle":
      return ["loadModel", "chooseModel", "getModel"];
    case "noModel":
      return ["getModel", "getStarter", "chooseModel"];
    case "addonMissing":
      return ["diagnose", "showLog"];
    case "loading":
      return ["cancelLoad"];
    case "ready":
      return ["chooseModel", "getModel", "unloadModel"];
    case "failed":
      return problemOf(state.error).actions.map(({ id }) => id);
  }
}

/** Why an agent can be read but not continued in this window. */
export function readOnlyProblem(agent: AgentSummary): Problem | undefined {
  if (agent.damage !== undefined) return problemOf(agent.damage);
  if (!agent.lockedElsewhere) return undefined;
  // The sentence already says that the agent can be read here.
  const { kept: _, ...problem } = problemOf({
    code: "AGENT_LOCKED",
    what: "open in another window, read only here",
    advice: "continue it there, or fork it to go on here",
    facts: { agent: agent.name },
  });
  return problem;
}
