import assert from "node:assert/strict";
import { errors } from "playwright-core";

/** Waits for what has no event to wait for. `what` ends the sentence "still not so after … ms: …". */
export async function until(what: string, holds: () => Promise<boolean>, limitMs = 20_000): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!(await holds())) {
    assert(Date.now() < deadline, `still not so after ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/**
 * Does `act` again as long as a step in it finds nothing in its time. In VS Code a page that comes to the front at this
 * moment takes the focus: it closes the list or the question that a person has open, and a key is heard by nobody. A person
 * looks, and does it again. `act` must do no harm when it is done twice, and each of its steps has a limit of its own.
 */
export async function insist<T>(what: string, act: () => Promise<T>, limitMs = 60_000): Promise<T> {
  const deadline = Date.now() + limitMs;
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (!(error instanceof errors.TimeoutError)) throw error;
      if (Date.now() > deadline) throw new Error(`in vain for ${limitMs} ms: ${what}`, { cause: error });
    }
  }
}
