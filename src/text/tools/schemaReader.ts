import { constantsOf } from "./schemaConstants";
import {
  decidingKeywords,
  isList,
  isObject,
  type Keywords,
  keywordsOfType,
  looseKeywords,
  looseKeywordsOfType,
} from "./schemaKeywords";
import { mergeKeywords } from "./schemaMerge";
import { numberShape } from "./schemaNumbers";
import { areDistinct } from "./schemaOverlap";
import { escapePointer, resolvePointer } from "./schemaPointer";
import {
  anyObject,
  anything,
  type Loosened,
  never,
  type ObjectShape,
  type Property,
  type Shape,
  type ShapedSchema,
  unionOf,
} from "./schemaShape";

export interface SchemaLimits {
  /** Schemas inside of one schema, references followed. What is behind allows anything. */
  readonly nodes: number;
  readonly depth: number;
  /** Properties of an object, alternatives, and items that are listed one by one. */
  readonly members: number;
  /** Items of an array that a grammar counts. */
  readonly items: number;
  /** Characters of a string that it counts: each is a place where all words of the vocabulary are tried. */
  readonly characters: number;
}

const schemaLimits: SchemaLimits = { nodes: 4000, depth: 24, members: 500, items: 1000, characters: 12 };

const mostLoosened = 100;

/** Where the reader is. `here`: definitions begun since the last property or item; `above`: all that are begun. */
interface Place {
  readonly path: string;
  readonly depth: number;
  readonly here: ReadonlySet<string>;
  readonly above: ReadonlySet<string>;
}

type TypeName = "null" | "boolean" | "string" | "integer" | "number" | "array" | "object";
const typeNames: readonly string[] = ["null", "boolean", "string", "integer", "number", "array", "object"];
const anyType: readonly TypeName[] = ["null", "boolean", "string", "number", "array", "object"];

/**
 * Reads a schema into its shape. Takes time in proportion to the schema and the limits, and throws nothing, whatever it is
 * given. The shape allows whatever the schema allows, and more where `loosened` says so, with three exceptions, all of
 * them what authors of schemas mean: an object whose properties, or patterns of their names, are listed has no others unless the
 * schema allows them in words; a schema without a type that speaks only of one type's values is of that type; properties come in a fixed order.
 */
export function shapeOf(schema: unknown, limits: SchemaLimits = schemaLimits): ShapedSchema {
  return new SchemaReader(schema, limits).read();
}

class SchemaReader {
  private nodes = 0;
  private readonly definitions = new Map<string, Shape>();
  /** Names of definitions, by pointer. */
  private readonly names = new Map<string, string>();
  private readonly loosened = new Map<string, Loosened>();

  constructor(
    private readonly root: unknown,
    private readonly limits: SchemaLimits,
  ) {}

  read(): ShapedSchema {
    const none: ReadonlySet<string> = new Set();
    const shape = this.definition("", this.root, { path: "", depth: 0, here: none, above: none });
    this.endDefinitions();
    return { shape, definitions: this.definitions, loosened: [...this.loosened.values()] };
  }

  private say(path: string, what: string): void {
    if (this.loosened.size < mostLoosened) this.loosened.set(`${path}\n${what}`, { path, what });
  }

  private loose(path: string, what: string): Shape {
    this.say(path, what);
    return anything;
  }

  private value(schema: unknown, place: Place): Shape {
    this.nodes += 1;
    if (this.nodes > this.limits.nodes) return this.loose("", `more than ${this.limits.nodes} parts`);
    if (place.depth > this.limits.depth) return this.loose(place.path, `deeper than ${this.limits.depth} levels`);
    if (schema === true) return anything;
    if (schema === false) return never;
    if (!isObject(schema)) return this.loose(place.path, "is no schema");
    const keywords = decidingKeywords(schema);
    const { $ref, allOf, ...own } = keywords;
    if ($ref === undefined && allOf === undefined) return this.ownValue(own, place);
    if (Object.keys(own).length === 0) {
      if (allOf === undefined) return this.reference($ref, place);
      const only = $ref === undefined && isList(allOf) && allOf.length === 1 ? allOf[0] : undefined;
      if (only !== undefined) return this.value(only, { ...place, depth: place.depth + 1 });
    }
    const all = this.gather(keywords, place);
    return all === false ? never : this.ownValue(all, place);
  }

  /** What a reference alone stands for. */
  private reference($ref: unknown, place: Place): Shape {
    const found = typeof $ref === "string" ? resolvePointer(this.root, $ref) : undefined;
    if (found === undefined) return this.loose(place.path, `$ref to ${JSON.stringify($ref)?.slice(0, 100)}`);
    return this.definition(found.pointer, found.schema, place);
  }

  private definition(pointer: string, schema: unknown, place: Place): Shape {
    // A definition that is one of its own alternatives adds nothing to itself.
    if (place.here.has(pointer)) return never;
    const known = this.names.get(pointer);
    if (known !== undefined) return { kind: "definition", name: known };
    const name = `d${this.names.size}`;
    this.names.set(pointer, name);
    const here = new Set(place.here).add(pointer);
    const above = new Set(place.above).add(pointer);
    this.definitions.set(name, this.value(schema, { path: pointer, depth: place.depth + 1, here, above }));
    return { kind: "definition", name };
  }

  /** A schema's own keywords with those of its references and of all else that it must fit. */
  private gather(schema: unknown, place: Place): Keywords | false {
    this.nodes += 1;
    if (schema === true) return {};
    if (schema === false) return false;
    if (this.nodes > this.limits.nodes || place.depth > this.limits.depth || !isObject(schema)) {
      this.say(place.path, "a part of allOf");
      return {};
    }
    const { $ref, allOf, ...own } = decidingKeywords(schema);
    const say = (keyword: string) => this.say(place.path, `a second ${keyword}`);
    let all: Keywords | false = own;
    const deeper = { ...place, depth: place.depth + 1 };
    if ($ref !== undefined) {
      const found = typeof $ref === "string" ? resolvePointer(this.root, $ref) : undefined;
      if (found === undefined || place.above.has(found.pointer)) this.say(place.path, "a $ref next to other keywords");
      else {
        const above = new Set(place.above).add(found.pointer);
        all = mergeKeywords(all, this.gather(found.schema, { ...deeper, above }), say);
      }
    }
    for (const part of isList(allOf) ? allOf : []) all = mergeKeywords(all, this.gather(part, deeper), say);
    return all;
  }

  /** Of keywords without $ref and allOf. */
  private ownValue(keywords: Keywords, place: Place): Shape {
    for (const keyword of looseKeywords) if (keywords[keyword] !== undefined) this.say(place.path, keyword);
    for (const key of ["anyOf", "oneOf"] as const) {
      const { [key]: alternatives, ...base } = keywords;
      if (isList(alternatives) && alternatives.length > 0) return this.alternatives(key, alternatives, base, place);
      if (alternatives !== undefined) this.say(place.path, key);
    }
    const types = this.typesOf(keywords, place.path);
    if (keywords["enum"] !== undefined || keywords["const"] !== undefined)
      return this.constants(keywords, types, place);
    if (types === undefined) return anything;
    return unionOf(types.map((type) => this.ofType(type, keywords, place)));
  }

  private alternatives(key: "anyOf" | "oneOf", list: readonly unknown[], base: Keywords, place: Place): Shape {
    if (list.length > this.limits.members)
      return this.loose(place.path, `more than ${this.limits.members} alternatives`);
    const isBare = Object.keys(base).length === 0;
    const shapes = list.map((one, index) => {
      const path = `${place.path}/${key}/${index}`;
      const deeper = { ...place, path, depth: place.depth + 1 };
      return this.value(isBare ? one : { allOf: [base, one] }, deeper);
    });
    if (key === "oneOf" && !areDistinct(shapes, this.definitions)) this.say(place.path, "that oneOf fits only once");
    return unionOf(shapes);
  }

  /** `undefined`: of any type. */
  private typesOf({ type, ...keywords }: Keywords, path: string): readonly TypeName[] | undefined {
    if (type !== undefined) {
      const given = isList(type) ? type : [type];
      const known = (name: unknown): name is TypeName => typeof name === "string" && typeNames.includes(name);
      if (given.length > 0 && given.every(known)) {
        return given.includes("number") ? given.filter((name) => name !== "integer") : given;
      }
      this.say(path, "its type");
      return undefined;
    }
    const groups = (["object", "array", "string", "number"] as const).filter((group) =>
      [...keywordsOfType[group], ...looseKeywordsOfType[group]].some((key) => keywords[key] !== undefined),
    );
    if (groups.length === 0) return undefined;
    return groups.length === 1 ? groups : anyType;
  }

  private constants(keywords: Keywords, types: readonly TypeName[] | undefined, place: Place): Shape {
    const { enum: list, const: one, type: _, ...others } = keywords;
    if (list !== undefined && !isList(list)) return this.loose(place.path, "enum");
    const found = constantsOf(list, one, types);
    if (found === undefined) return this.loose(place.path, "an enum that is too large");
    const beside = Object.keys(others);
    if (beside.length > 0) this.say(place.path, `${beside.join(", ")} beside enum`);
    return found.length === 0 ? never : { kind: "constants", values: found };
  }

  private ofType(type: TypeName, keywords: Keywords, place: Place): Shape {
    switch (type) {
      case "null":
      case "boolean":
        return { kind: type };
      case "integer":
      case "number":
        this.sayLoose("number", keywords, place.path);
        return numberShape(keywords, type === "integer", (what) => this.say(place.path, what));
      case "string":
        this.sayLoose("string", keywords, place.path);
        return this.counted("characters", keywords["minLength"], keywords["maxLength"], place.path, (counts) => ({
          kind: "string",
          ...counts,
        }));
      case "array":
        this.sayLoose("array", keywords, place.path);
        return this.array(keywords, place);
      case "object":
        this.sayLoose("object", keywords, place.path);
        return this.object(keywords, place);
    }
  }

  private sayLoose(group: keyof typeof looseKeywordsOfType, keywords: Keywords, path: string): void {
    for (const key of looseKeywordsOfType[group]) {
      if (keywords[key] !== undefined && key !== "patternProperties") this.say(path, key);
    }
  }

  private counted(
    what: "items" | "characters",
    low: unknown,
    high: unknown,
    path: string,
    shape: (counts: { least: number; most?: number }) => Shape,
  ): Shape {
    const whole = (value: unknown) => (typeof value === "number" && value >= 0 ? value : undefined);
    const count = this.limits[what];
    let least = Math.ceil(whole(low) ?? 0);
    const most = whole(high) === undefined ? undefined : Math.floor(whole(high) ?? 0);
    if (most !== undefined && most < least) return never;
    if (least > count || (most !== undefined && most > count)) this.say(path, `more than ${count} ${what}`);
    least = Math.min(least, count);
    return shape({ least, ...(most === undefined || most > count ? {} : { most }) });
  }

  private array(keywords: Keywords, place: Place): Shape {
    const { items, prefixItems, additionalItems, unevaluatedItems } = keywords;
    const listed = isList(prefixItems) ? prefixItems : isList(items) ? items : [];
    if (listed.length > this.limits.members)
      return this.loose(place.path, `more than ${this.limits.members} listed items`);
    const others = isList(items) ? additionalItems : (items ?? unevaluatedItems);
    const shapes = listed.map((item, index) => this.value(item, inside(place, `/prefixItems/${index}`)));
    const end = shapes.findIndex(({ kind }) => kind === "never");
    const first = end === -1 ? shapes : shapes.slice(0, end);
    const rest = end === -1 ? this.value(others ?? true, inside(place, "/items")) : never;
    return this.counted("items", keywords["minItems"], keywords["maxItems"], place.path, (counts) => {
      if (rest.kind === "never" && counts.least > first.length) return never;
      return { kind: "array", first, ...(rest.kind === "never" ? {} : { rest }), ...counts };
    });
  }

  private object(keywords: Keywords, place: Place): Shape {
    const given = isObject(keywords["properties"]) ? keywords["properties"] : {};
    const listed = isList(keywords["required"]) ? keywords["required"] : [];
    const required = new Set(listed.filter((name) => typeof name === "string"));
    const others = keywords["additionalProperties"] ?? keywords["unevaluatedProperties"];
    const names = new Set([...Object.keys(given), ...required]);
    if (names.size > this.limits.members) {
      this.say(place.path, `more than ${this.limits.members} properties`);
      return anyObject;
    }
    const properties: Property[] = [];
    for (const name of names) {
      const isRequired = required.has(name);
      const schema = Object.hasOwn(given, name) ? given[name] : (others ?? true);
      const shape = this.value(schema, inside(place, `/properties/${escapePointer(name)}`));
      if (shape.kind !== "never") properties.push({ name, shape, isRequired });
      else if (isRequired) return never;
    }
    const ordered = [
      ...properties.filter(({ isRequired }) => isRequired),
      ...properties.filter((one) => !one.isRequired),
    ];
    const rest = this.restOf(keywords, others, names.size > 0 || isObject(keywords["properties"]), place);
    return { kind: "object", properties: ordered, ...(rest.kind === "never" ? {} : { rest }) } satisfies ObjectShape;
  }

  private restOf(keywords: Keywords, others: unknown, isListed: boolean, place: Place): Shape {
    const { patternProperties: patterns } = keywords;
    const hasPatterns = isObject(patterns) && Object.keys(patterns).length > 0;
    const isClosed = isListed || hasPatterns;
    const free = () =>
      others === undefined ? (isClosed ? never : anything) : this.value(others, inside(place, "/additionalProperties"));
    if (!hasPatterns) return free();
    const entries = Object.entries(patterns);
    const shapes = entries.map(([name, schema]) =>
      this.value(schema, inside(place, `/patternProperties/${escapePointer(name)}`)),
    );
    const [only] = shapes;
    const isForAll = only !== undefined && !isListed && entries.every(([name]) => /^\^?(?:\.\*)?\$?$/.test(name));
    if (isForAll && shapes.length === 1) return only;
    // Of these names only their values are followed.
    this.say(place.path, "patternProperties");
    return unionOf([...shapes, free()]);
  }

  /** Definitions that could only be written without an end allow anything. */
  private endDefinitions(): void {
    for (;;) {
      const ending = endingDefinitions(this.definitions);
      const endless = [...this.definitions.keys()].filter((name) => !ending.has(name));
      if (endless.length === 0) return;
      for (const [pointer, name] of this.names) {
        if (endless.includes(name)) this.definitions.set(name, this.loose(pointer, "that nothing fits it"));
      }
    }
  }
}

function inside(place: Place, step: string): Place {
  return { path: place.path + step, depth: place.depth + 1, here: new Set(), above: place.above };
}

/** Definitions that a finite text fits, by rounds: each round needs only what the rounds before it have found. */
function endingDefinitions(definitions: ReadonlyMap<string, Shape>): ReadonlySet<string> {
  const ending = new Set<string>();
  for (let before = -1; before < ending.size; ) {
    before = ending.size;
    for (const [name, shape] of definitions) if (!ending.has(name) && ends(shape, ending)) ending.add(name);
  }
  return ending;
}

function ends(shape: Shape, ending: ReadonlySet<string>): boolean {
  switch (shape.kind) {
    case "never":
      return false;
    case "definition":
      return ending.has(shape.name);
    case "union":
      return shape.of.some((one) => ends(one, ending));
    case "object":
      return shape.properties.every((one) => !one.isRequired || ends(one.shape, ending));
    case "array":
      return (
        shape.first.slice(0, shape.least).every((one) => ends(one, ending)) &&
        (shape.least <= shape.first.length || (shape.rest !== undefined && ends(shape.rest, ending)))
      );
    default:
      return true;
  }
}
