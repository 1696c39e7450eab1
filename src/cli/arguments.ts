import { parseArgs } from "node:util";
import { ResidentError } from "../common/errors";

/** What a command takes. `value` is the word that stands for the option's argument in the help. */
export interface OptionSpec {
  readonly value?: string;
  /** May be given several times. */
  readonly many?: true;
  readonly help: string;
}

export interface CommandSpec {
  readonly usage: string;
  readonly summary: string;
  /** Names of the positional arguments, in order; one that ends in "?" may be left out. */
  readonly positionals: readonly string[];
  readonly options: Readonly<Record<string, OptionSpec>>;
}

/** The arguments of one call, asked for by name and type. Every refusal is a USAGE error that names the option. */
export class Arguments {
  constructor(
    private readonly usage: string,
    private readonly values: Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>,
    private readonly positionals: ReadonlyMap<string, string>,
  ) {}

  flag(name: string): boolean {
    return this.values[name] === true;
  }

  text(name: string): string | undefined {
    const value = this.values[name];
    return typeof value === "string" ? value : undefined;
  }

  /** Of an option that may be given several times. */
  texts(name: string): readonly string[] {
    const values = this.values[name];
    return Array.isArray(values) ? values.filter((value) => typeof value === "string") : [];
  }

  required(name: string): string {
    return this.text(name) ?? this.refuse(`--${name} is missing`);
  }

  positional(name: string): string | undefined {
    return this.positionals.get(name);
  }

  /** A number in [min, max]; whole when `whole` is set. */
  number(name: string, range: { readonly min: number; readonly max: number; readonly whole?: boolean }) {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = Number(text);
    const fits = text.trim() !== "" && Number.isFinite(value) && value >= range.min && value <= range.max;
    if (!fits || (range.whole && !Number.isInteger(value))) {
      const kind = range.whole ? "a whole number" : "a number";
      return this.refuse(`--${name} takes ${kind} from ${range.min} to ${range.max}, not '${text}'`);
    }
    return value;
  }

  /** One of `choices`. */
  choice<T extends string>(name: string, choices: readonly T[]): T | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const chosen = choices.find((choice) => choice === text);
    return chosen ?? this.refuse(`--${name} takes ${choices.join(", ")}, not '${text}'`);
  }

  refuse(what: string): never {
    throw usageError(what, this.usage);
  }
}

/** Node's message up to its first full stop; for a value that begins with a dash, the way to write it. */
function shortened(message: string): string {
  const option = /use '(--[\w-]+)=-XYZ'/.exec(message)?.[1];
  if (option !== undefined) return `a value that begins with a dash is written as ${option}=VALUE`;
  return message.split(/[.\n]/)[0] ?? message;
}

function usageError(what: string, usage: string): ResidentError {
  return new ResidentError("USAGE", what, `write it as: ${usage}`);
}

/** Parses the words after the command's name. */
export function parseArguments(spec: CommandSpec, words: readonly string[]): Arguments {
  const options = Object.fromEntries(
    Object.entries(spec.options).map(([name, option]) => [
      name,
      {
        type: option.value === undefined ? ("boolean" as const) : ("string" as const),
        multiple: option.many === true,
      },
    ]),
  );
  const parsed = (() => {
    try {
      return parseArgs({ args: [...words], options, allowPositionals: true, strict: true });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw usageError(shortened(message), spec.usage);
    }
  })();
  const given = new Map<string, string>();
  for (const [i, name] of spec.positionals.entries()) {
    const value = parsed.positionals[i];
    if (value !== undefined) given.set(name.replace(/\?$/, ""), value);
    else if (!name.endsWith("?")) throw usageError(`<${name}> is missing`, spec.usage);
  }
  const extra = parsed.positionals[spec.positionals.length];
  if (extra !== undefined) throw usageError(`'${extra}' is one argument too many`, spec.usage);
  return new Arguments(spec.usage, parsed.values, given);
}
