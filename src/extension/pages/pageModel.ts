/** What the pages show of the service's data: failures get their words and buttons, running answers their progress. */
import type { ActionId, PageEngine, PageTurn, Problem } from "../../protocol/page";
import type { AgentSummary, EngineState, TurnView } from "../../protocol/service";
import { action, problemOf } from "../commands/errorText";
import type { RunState } from "./runFollower";

/** Sending the same again cannot help with these. */
const unrepeatable: ReadonlySet<string> = new Set(["CONTEXT_FULL", "INVALID_REQUEST", "AGENT_LOCKED", "AGENT_CORRUPT"]);

/** `run`: what has come of its answer, where it runs. `before`: the turn before it. */
export function pageTurn(turn: TurnView, language: string, run?: RunState, before?: TurnView): PageTurn {
  const { error, saveError, ...plain } = turn;
  const refused = turn.figures?.cache.refused !== undefined;
  return {
    ...plain,
    ...(turn.state === "running" && run ? runParts(run) : {}),
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

function runParts(run: RunState): Pick<PageTurn, "thought" | "answer" | "progress" | "figures"> {
  return {
    ...(run.thought === undefined ? {} : { thought: run.thought }),
    answer: run.text,
    ...(run.progress ? { progress: run.progress } : {}),
    ...(run.figures ? { figures: run.figures } : {}),
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
