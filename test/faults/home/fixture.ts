import { cp, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { FakeLocks } from "../../support/store/fakes";
import type { Entry, Step } from "./journal";
import { Program } from "./program";
import { Truth } from "./truth";
import { waitingMessage, writeWaitingAgent } from "./waitingAgent";

/** A home that was used and closed, and the reports about it. */
export interface Fixture {
  readonly home: string;
  readonly journal: readonly Entry[];
}

/** Two branches and a tail (Ada), a fork (Bob), another conversation (Eve), no turns (Zoe), a deleted agent (Dan). Cal waits for a result. */
const steps: readonly Step[] = [
  { do: "create", name: "Ada" },
  { do: "ask", name: "Ada", text: "The river is called Alma." },
  { do: "ask", name: "Ada", text: "The town is called Berg." },
  { do: "rewind", name: "Ada", turns: 1 },
  { do: "ask", name: "Ada", text: "The hill is called Cima." },
  { do: "save", name: "Ada" },
  { do: "fork", name: "Ada", as: "Bob" },
  { do: "ask", name: "Bob", text: "The lake is called Dora." },
  { do: "create", name: "Eve" },
  { do: "ask", name: "Eve", text: "My cat is called Erna." },
  { do: "ask", name: "Eve", text: "My dog is called Fido." },
  { do: "create", name: "Zoe" },
  { do: "create", name: "Dan" },
  { do: "ask", name: "Dan", text: "Nobody may remember Gerd." },
  { do: "delete", name: "Dan" },
];

export async function makeFixture(scratch: string, model: string): Promise<Fixture> {
  const home = path.join(scratch, "fixture");
  const journal: Entry[] = [];
  const program = new Program({ home, model, locks: new FakeLocks(), journal: (entry) => journal.push(entry) });
  for (const step of steps) await program.take(step);
  await program.close();
  const name = "Cal";
  const { id, turn, answer } = await writeWaitingAgent(home, model, name);
  journal.push({ type: "created", id, name });
  journal.push({ type: "sent", id, turn, parent: null, user: waitingMessage });
  journal.push({ type: "answered", id, turn, answer });
  await writeFile(fileOf(scratch), JSON.stringify(journal));
  return { home, journal };
}

export async function readFixture(scratch: string): Promise<Fixture> {
  return { home: path.join(scratch, "fixture"), journal: JSON.parse(await readFile(fileOf(scratch), "utf8")) };
}

const fileOf = (scratch: string): string => path.join(scratch, "fixture.json");

/** A copy of the home in `folder`, and what must be there. */
export async function copyFixture({ home, journal }: Fixture, folder: string) {
  const copy = path.join(folder, "home");
  await cp(home, copy, { recursive: true, preserveTimestamps: true });
  return { home: copy, truth: new Truth(journal) };
}
