import assert from "node:assert/strict";

/** Waits for what has no event to wait for. `what` ends the sentence "still not so after … ms: …". */
export async function until(what: string, holds: () => Promise<boolean>, limitMs = 20_000): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!(await holds())) {
    assert(Date.now() < deadline, `still not so after ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
