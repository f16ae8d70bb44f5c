/** A counterexample: a point, and what the network makes of it. */
export interface Witness {
  readonly x: Float32Array
  readonly y: Float32Array
}

/**
 * The text of a result in the form of the VNN competition: `sat`, then one list of all inputs and outputs.
 * Source: VNN-COMP 2022 and later, "counterexample format": `((X_0 0.1) … (Y_0 0.2))`.
 */
export function witnessText({ x, y }: Witness): string {
  const pairs = [
    ...Array.from(x, (value, i) => `(X_${i} ${decimal(value)})`),
    ...Array.from(y, (value, i) => `(Y_${i} ${decimal(value)})`),
  ]
  return `sat\n(${pairs.join('\n')})`
}

/** Every digit that tells the number from its neighbours, and no exponent, which SMT-LIB does not have. */
function decimal(value: number): string {
  const text = Object.is(value, -0) ? '-0' : String(value)
  const [, sign, whole, fraction = '', power] =
    /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(text) ?? []
  if (whole === undefined || sign === undefined) throw new Error(`no finite number: ${text}`)
  const shift = Number(power ?? 0)
  const digits = whole + fraction
  const point = whole.length + shift
  const padded = point <= 0 ? '0'.repeat(1 - point) + digits : digits.padEnd(point, '0')
  const at = Math.max(1, point)
  return `${sign}${padded.slice(0, at)}.${padded.slice(at) || '0'}`
}
