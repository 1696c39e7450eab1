import { InvalidRequestError } from "../../common/errors";
import type { JsonSchema, ToolMode, ToolSpec } from "../../common/tools";
import { type Constraint, constraintOf, constraintOfSchema, constraintOfWords } from "./constraint";
import type { ToolFormat } from "./formats";
import type { ThoughtMarks } from "./structuralTag";

/** What an answer is held to. */
export interface AskedConstraint {
  readonly tools?: readonly ToolSpec[];
  /** Absent: "auto". */
  readonly toolMode?: ToolMode;
  /** The answer is JSON that fits it. */
  readonly jsonSchema?: JsonSchema;
}

/** What a model's constraints need to know of it. */
export interface ConstrainedModel extends ThoughtMarks {
  /** How it writes calls. Absent: it takes no tools. */
  readonly toolFormat?: ToolFormat;
}

/** The tools that the prompt declares, and whether the answer may call them. One that is to be JSON calls none. */
export function answerTools({ tools = [], toolMode = "auto", jsonSchema }: AskedConstraint) {
  return { tools, mode: jsonSchema !== undefined || toolMode === "words" ? "none" : toolMode } as const;
}

/**
 * What an answer of this model may be. `undefined`: anything. Throws INVALID_REQUEST where tools are offered to a model that
 * takes none, and for requests that contradict themselves.
 */
export function modelConstraint(model: ConstrainedModel, asked: AskedConstraint): Constraint | undefined {
  const { tools = [], toolMode = "auto", jsonSchema } = asked;
  if (jsonSchema !== undefined) {
    if (toolMode === "required") {
      throw new InvalidRequestError("an answer cannot be JSON and call tools", "ask for one of both");
    }
    return constraintOfSchema(jsonSchema, model);
  }
  if (toolMode === "required" && tools.length === 0) {
    throw new InvalidRequestError(
      "a call is required, and there are no tools",
      "offer tools, or do not require a call",
    );
  }
  if (toolMode === "none" || tools.length === 0) return undefined;
  if (toolMode === "words") return constraintOfWords(model);
  const { toolFormat } = model;
  if (toolFormat === undefined) {
    throw new InvalidRequestError(
      "tools cannot be offered to this model: its chat template has no form for calls that is known here",
      "leave the tools out, or choose a model that takes tools",
      { tools: tools.length },
    );
  }
  return constraintOf({ ...model, format: toolFormat, tools, mode: toolMode });
}
