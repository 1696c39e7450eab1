import assert from "node:assert/strict";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ErrorCode, ResidentError } from "../../../src/common/errors";

/** A fresh folder (with a space in its path) for each test of the suite, removed after it. */
export function temporaryFolder(): { readonly path: string } {
  const holder = { path: "" };
  beforeEach(async () => {
    holder.path = await realpath(await mkdtemp(join(tmpdir(), "resident models ")));
  });
  afterEach(() => rm(holder.path, { recursive: true, force: true }));
  return holder;
}

/** Asserts that `promise` rejects with `code` and a text that matches `what`; returns the error. */
export async function rejection(promise: Promise<unknown>, code: ErrorCode, what: RegExp): Promise<ResidentError> {
  const error: unknown = await promise.then(
    () => assert.fail(`resolved instead of ${code}`),
    (reason: unknown) => reason,
  );
  if (!(error instanceof ResidentError)) throw error;
  assert.equal(error.code, code, error.message);
  assert.match(error.what, what);
  return error;
}
