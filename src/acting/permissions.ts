/** Who must agree to a call: nobody, the person, or nobody can. Pure. */
import type { ApprovalChoice, CallKind } from "../protocol/acting";
import { coversCommand, offeredPrefix } from "./commandWords";
import type { AllowedRule, ApprovalSettings, PreparedCall } from "./ports";

export type Permission =
  | { readonly kind: "allowed" }
  | { readonly kind: "asked"; readonly choices: readonly ApprovalChoice[]; readonly rule?: AllowedRule }
  /** `text` is the call's result. */
  | { readonly kind: "refused"; readonly text: string };

export interface AskedCall {
  readonly kind: CallKind;
  readonly name: string;
  readonly prepared: Pick<PreparedCall, "command" | "isDelicate" | "change">;
  /** It may have run before the program ended, or waited then: what is set is not enough. */
  readonly again: boolean;
}

const allowed: Permission = { kind: "allowed" };

export function permissionFor(call: AskedCall, settings: ApprovalSettings): Permission {
  const { kind } = call;
  if (kind === "ask") return allowed;
  if (!settings.isTrusted) {
    return {
      kind: "refused",
      text: "The person does not trust this workspace yet, so nothing in it is read, changed or run. Answer without tools, or ask the person to trust it.",
    };
  }
  if (kind === "read" || kind === "delegate") return allowed;
  const { isDelicate = false } = call.prepared;
  if (!call.again && !isDelicate && isFree(call, settings)) return allowed;
  const rule = isDelicate ? undefined : ruleFor(call);
  return { kind: "asked", choices: choicesFor(call, rule), ...(rule === undefined ? {} : { rule }) };
}

function isFree({ kind, name, prepared }: AskedCall, settings: ApprovalSettings): boolean {
  if (kind === "write") return settings.write !== "before";
  if (kind === "other") return settings.other === "never" || settings.others.includes(name);
  if (settings.run === "never") return true;
  const { command } = prepared;
  return command !== undefined && settings.commands.some((prefix) => coversCommand(prefix, command));
}

/** What "always" would allow; `undefined`: it is not offered. */
function ruleFor({ kind, name, prepared }: AskedCall): AllowedRule | undefined {
  if (kind === "write") return { kind };
  if (kind === "other") return { kind, tool: name };
  const prefix = prepared.command === undefined ? undefined : offeredPrefix(prepared.command);
  return prefix === undefined ? undefined : { kind: "run", prefix };
}

function choicesFor({ kind, prepared }: AskedCall, rule: AllowedRule | undefined): readonly ApprovalChoice[] {
  const choices: ApprovalChoice[] = [{ way: "allow", label: kind === "write" ? "Accept" : "Run" }];
  if (prepared.change !== undefined) choices.push({ way: "openDiff", label: "Open Diff" });
  if (rule?.kind === "write") choices.push({ way: "always", label: "Accept All Edits" });
  if (rule?.kind === "run") choices.push({ way: "always", label: `Always Run \`${rule.prefix}\`` });
  if (rule?.kind === "other") choices.push({ way: "always", label: `Always Run ${rule.tool}` });
  return [...choices, { way: "deny", label: kind === "write" ? "Reject" : "Deny" }];
}
