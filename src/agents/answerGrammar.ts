import { InvalidRequestError } from "../common/errors";
import type { Grammar } from "../engine/ports";
import type { AskedConstraint } from "../text/tools/modelConstraint";
import type { ModelSession } from "./ports";

/**
 * What holds the answer behind `prompt`, as a part of its request to the engine; nothing where the answer is free. Compiling takes
 * some 100 ms for tools that are new; the device keeps what it compiled. Rejects with INVALID_REQUEST.
 */
export async function answerGrammar(
  { text, compileGrammar }: Pick<ModelSession, "text" | "compileGrammar">,
  asked: AskedConstraint,
  prompt: Int32Array,
): Promise<{ readonly grammar?: Grammar }> {
  const constraint = text.constraint(asked, prompt);
  if (constraint === undefined) return {};
  if (compileGrammar === undefined) {
    if (asked.jsonSchema === undefined) return {};
    throw new InvalidRequestError("this device cannot hold an answer to a schema", "leave the JSON schema out");
  }
  return { grammar: await compileGrammar(constraint.grammar) };
}
