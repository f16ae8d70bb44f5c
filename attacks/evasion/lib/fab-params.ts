import { z } from 'zod'

/** What FAB and its targeted form have in common; defaults of the paper's section 3. */
export const fabParams = {
  steps: z.int().min(1).max(100_000).default(100).describe('steps per starting point'),
  starts: z
    .int()
    .min(1)
    .max(1000)
    .default(1)
    .describe('starting points: the sample itself, then random ones half as far as what was found'),
  alphaMax: z
    .number()
    .min(0)
    .max(1)
    .default(0.1)
    .describe('most that a step leans towards the clean sample'),
  overshoot: z.number().min(1).max(2).default(1.05).describe('η: how far beyond the border'),
  backward: z
    .number()
    .min(0)
    .max(1)
    .default(0.9)
    .describe('β: what stays of the way when an adversarial point is drawn back'),
}
