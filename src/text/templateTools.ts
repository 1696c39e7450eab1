import { ResidentError } from "../common/errors";
import type { ToolSpec } from "../common/tools";
import type { ChatTemplate } from "./chatTemplate";
import { isObject, type JsonObject, listOf, objectOf } from "./json";
import type { MessageEscaper } from "./messageEscaper";
import { toolFormsOf } from "./toolForms";
import { templateTools } from "./tools/canonical";

/** The tools as a template is told of them: as marked text, in a form that it can write. */
export class TemplateTools {
  private readonly known = new WeakMap<readonly ToolSpec[], readonly JsonObject[]>();

  constructor(
    private readonly template: ChatTemplate,
    private readonly escaper: MessageEscaper,
  ) {}

  /** `undefined`: there are none, or the template knows nothing of tools. The same list for the same one. */
  of(tools: readonly ToolSpec[] | undefined): readonly JsonObject[] | undefined {
    if (tools === undefined || tools.length === 0 || !toolFormsOf(this.template).takesTools) return undefined;
    const known = this.known.get(tools);
    if (known !== undefined) return known;
    const forms = [tools, tools.map(plainTool), tools.map(bareTool)];
    const escaped = forms
      .map((form) => this.escaper.json(templateTools(form.map(withSchema))))
      .map((form) => listOf(form).filter(isObject));
    const fitting = escaped.find((form) => this.canWrite(form)) ?? escaped[0] ?? [];
    this.known.set(tools, fitting);
    return fitting;
  }

  /** Some templates look into schemas, and not every schema has what they look for. */
  private canWrite(tools: readonly JsonObject[]): boolean {
    try {
      this.template.render([{ role: "user", content: "a" }], true, { tools });
      return true;
    } catch (error) {
      if (error instanceof ResidentError) return false;
      throw error;
    }
  }
}

/** Templates look for both members of a schema. */
function withSchema(tool: ToolSpec): ToolSpec {
  return { ...tool, parameters: { type: "object", properties: {}, ...tool.parameters } };
}

/** Only what every template knows: a flat list of properties with one type each. */
function plainTool({ parameters, ...tool }: ToolSpec): ToolSpec {
  const { properties, required } = objectOf(parameters);
  const plain = Object.entries(objectOf(properties)).map(([name, schema]) => [name, plainSchema(schema)] as const);
  const names = listOf(required).filter((name) => typeof name === "string");
  return { ...tool, parameters: { type: "object", properties: Object.fromEntries(plain), required: names } };
}

function plainSchema(schema: unknown): JsonObject {
  const { type, description, enum: values, items } = objectOf(schema);
  const known = typeof type === "string" ? type : "string";
  return {
    type: known,
    description: typeof description === "string" ? description : "",
    ...(Array.isArray(values) ? { enum: values } : {}),
    ...(known === "array" ? { items: { type: plainType(items) } } : {}),
    ...(known === "object" ? { properties: {} } : {}),
  };
}

function plainType(schema: unknown): string {
  const { type } = objectOf(schema);
  return typeof type === "string" ? type : "string";
}

function bareTool({ name, description }: ToolSpec): ToolSpec {
  return { name, description, parameters: { type: "object", properties: {} } };
}
