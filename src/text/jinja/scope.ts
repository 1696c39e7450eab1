import { Undefined, type Value } from "./values";

/** Variables of a block; names that it does not have are looked up around it. */
export class Scope {
  private readonly variables = new Map<string, Value>();

  constructor(private readonly parent?: Scope) {}

  set(name: string, value: Value): void {
    this.variables.set(name, value);
  }

  get(name: string): Value {
    for (let scope: Scope | undefined = this; scope !== undefined; scope = scope.parent) {
      const value = scope.variables.get(name);
      if (value !== undefined) return value;
    }
    return new Undefined(`'${name}' is undefined`);
  }
}
