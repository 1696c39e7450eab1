import type { ChatTemplate, TemplateOptions } from "./chatTemplate";
import type { JsonObject } from "./json";
import { type ResultRole, resultRoles, type TemplateMessage } from "./messages";

/** In what form a template takes tools, calls and results. Found by rendering samples, as nothing else tells it. */
export interface ToolForms {
  readonly takesTools: boolean;
  /** `undefined`: it does not write an answer's calls. */
  readonly calls: CallForm | undefined;
  /** `undefined`: it does not write results of calls. */
  readonly results: ResultRole | undefined;
}

export interface CallForm {
  /** Arguments as an object, or as JSON text. */
  readonly areObjects: boolean;
  /** An answer without text has no content at all. */
  readonly isNone: boolean;
  /** Ids of calls must have nine letters and digits, as Mistral's. */
  readonly isShort: boolean;
}

const tool = "lookUpWords";
const [key, value, said, id, shortId] = ["wordOf", "amber tree", "blue river", "call_1", "abcdef123"];
const user: TemplateMessage = { role: "user", content: "a" };
export const sampleTools: readonly JsonObject[] = [
  {
    type: "function",
    function: {
      name: tool,
      description: "Finds words.",
      parameters: {
        type: "object",
        properties: { [key]: { type: "string", description: "A word." } },
        required: [key],
      },
    },
  },
];
const withTools: TemplateOptions = { tools: sampleTools };

function answer({ areObjects, isNone, isShort }: CallForm): TemplateMessage {
  const given = { [key]: value };
  const call = { name: tool, arguments: areObjects ? given : JSON.stringify(given) };
  return {
    role: "assistant",
    content: isNone ? null : "",
    tool_calls: [{ id: isShort ? shortId : id, type: "function", function: call }],
  };
}

function result(role: ResultRole, { isShort }: CallForm): TemplateMessage {
  return { role, content: said, name: tool, tool_call_id: isShort ? shortId : id };
}

/** Conversations of which a template writes all that it knows of tools; what it refuses is left out. */
export function toolSamples({ calls, results }: ToolForms): readonly {
  readonly messages: readonly TemplateMessage[];
  readonly options: TemplateOptions;
}[] {
  if (calls === undefined) return [{ messages: [user], options: withTools }];
  const ends = results === undefined ? [] : [result(results, calls)];
  return [{ messages: [user, answer(calls), ...ends], options: withTools }];
}

const known = new WeakMap<ChatTemplate, ToolForms>();

export function toolFormsOf(template: ChatTemplate | undefined): ToolForms {
  if (template === undefined) return { takesTools: false, calls: undefined, results: undefined };
  const forms = known.get(template) ?? findForms(template);
  known.set(template, forms);
  return forms;
}

function findForms(template: ChatTemplate): ToolForms {
  const takesTools =
    written(template, [user], withTools).includes(tool) && !written(template, [user], {}).includes(tool);
  const options = takesTools ? withTools : {};
  const calls = callForms.find((form) => writesCall(written(template, [user, answer(form)], options, false)));
  const results = resultRoles.find((role) => {
    const form = calls ?? plainForm;
    return written(template, [user, answer(form), result(role, form)], options).includes(said);
  });
  return { takesTools, calls, results };
}

const plainForm: CallForm = { areObjects: true, isNone: false, isShort: false };
const callForms: readonly CallForm[] = [false, true].flatMap((isShort) =>
  [true, false].flatMap((areObjects) => [false, true].map((isNone) => ({ areObjects, isNone, isShort }))),
);

/** Name and arguments are there, and an object was not written as Python writes it, nor a text as JSON in JSON. */
function writesCall(text: string): boolean {
  const isForeign = text.includes(`'${key}': '${value}'`) || text.includes(`\\"${key}\\"`);
  return text.includes(tool) && text.includes(key) && text.includes(value) && !isForeign;
}

/** Empty where the template refuses the messages or does not work with them. */
function written(
  template: ChatTemplate,
  messages: readonly TemplateMessage[],
  options: TemplateOptions,
  continueAnswer = true,
): string {
  try {
    return template.render(messages, continueAnswer, options);
  } catch {
    return "";
  }
}
