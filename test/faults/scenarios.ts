import type { Step } from "./home/journal";

/** The steps done to a copy of the fixture while a fault happens. */
export const scenarios: Readonly<Record<string, readonly Step[]>> = {
  create: [{ do: "create", name: "New" }],
  first: [
    { do: "create", name: "New" },
    { do: "ask", name: "New", text: "The first word is Hund." },
    { do: "save", name: "New" },
  ],
  // Restores, answers, saves a longer cache.
  ask: [
    { do: "ask", name: "Ada", text: "The bridge is called Igel." },
    { do: "save", name: "Ada" },
  ],
  // A further step, and a message behind it.
  results: [
    { do: "results", name: "Cal", text: "It has 20 degrees." },
    { do: "save", name: "Cal" },
    { do: "ask", name: "Cal", text: "And the river?" },
  ],
  fork: [{ do: "fork", name: "Ada", as: "New" }],
  rewind: [{ do: "rewind", name: "Ada", turns: 1 }],
  rename: [{ do: "rename", name: "Ada", as: "Ida" }],
  // Eve has a conversation of her own; Bob shares blocks with Ada.
  delete: [{ do: "delete", name: "Eve" }],
  "delete fork": [{ do: "delete", name: "Bob" }],
};

export function scenarioOf(name: string): readonly Step[] {
  const steps = scenarios[name];
  if (steps === undefined) throw new Error(`there is no scenario ${name}`);
  return steps;
}
