/** Arguments outside a function's domain are bugs of the caller, so these throw RangeError, not a user error. */
export function checkCount(name: string, value: number): void {
  if (!Number.isInteger(value) || value < 0)
    throw new RangeError(`${name} must be a whole number of at least 0, got ${value}`)
}

/** @param confidence - two-sided or one-sided level, strictly between 0 and 1 */
export function checkConfidence(confidence: number): void {
  if (!(confidence > 0 && confidence < 1))
    throw new RangeError(`confidence must lie between 0 and 1, got ${confidence}`)
}
