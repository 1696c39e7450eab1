/** A reason to stop that a person can act on: what is wrong, and the command or the act that mends it. */
export class SetupError extends Error {
  constructor(what, advice) {
    super(what);
    this.name = "SetupError";
    this.advice = advice;
  }
}
