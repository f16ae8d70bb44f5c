import { z } from 'zod'

/** What the forms of Auto-PGD have in common; defaults of the paper. */
export const apgdParams = {
  steps: z.int().min(1).max(100_000).default(100).describe('gradient steps per restart'),
  rho: z
    .number()
    .min(0)
    .max(1)
    .default(0.75)
    .describe('share of steps that must raise the loss, or the step size is halved'),
}
