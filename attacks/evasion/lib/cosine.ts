/** Cosine annealing: `from` at step 0, `to` at step `steps`. Source: Loshchilov & Hutter 2017, arXiv:1608.03983, eq. 5. */
export function cosine(from: number, to: number, step: number, steps: number): number {
  return to + (from - to) * 0.5 * (1 + Math.cos((Math.PI * step) / steps))
}
