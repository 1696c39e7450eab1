import { Interpreter } from "./interpreter";
import { namesIn, type TemplateNames } from "./names";
import type { Block } from "./nodes";
import { parseTemplate } from "./parser";
import type { Value } from "./values";

/** A parsed template. */
export class Template {
  readonly body: Block;
  readonly names: TemplateNames;

  /** Throws `TemplateError` where the source is no template. */
  constructor(source: string) {
    this.body = parseTemplate(source);
    this.names = namesIn(this.body);
  }

  render(variables: ReadonlyMap<string, Value>): string {
    return new Interpreter(variables).run(this.body);
  }
}
