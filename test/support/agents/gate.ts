/** A promise and what resolves it. */
export function gate(): { readonly passed: Promise<void>; readonly open: () => void } {
  let open: () => void = () => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}

/** Lets everything that is ready go on. */
export function passTime(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
