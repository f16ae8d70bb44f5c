import { checkRange } from '../step/optimizers/optimizer.js'

/**
 * How the learning rate goes. `warmUp`: share of all steps over which it rises from 0 in a line, default 0; the rest of
 * the steps is what a cosine or a line takes from the base rate to `end` times it, default 0.
 * `step`: times `factor` (default 0.1) at each of these epochs, counted from 0.
 */
export type Schedule =
  | { readonly kind: 'constant'; readonly warmUp?: number | undefined }
  | {
      readonly kind: 'cosine' | 'linear'
      readonly warmUp?: number | undefined
      readonly end?: number | undefined
    }
  | {
      readonly kind: 'step'
      readonly epochs: readonly number[]
      readonly factor?: number | undefined
      readonly warmUp?: number | undefined
    }

/** Where a training stands. */
export interface Position {
  /** Steps done, of all. */
  readonly step: number
  readonly steps: number
  /** Whole epochs done. */
  readonly epoch: number
}

/**
 * The factor of the base learning rate at a step.
 * Source: Loshchilov & Hutter 2017, arXiv:1608.03983, eq. (5); torch.optim.lr_scheduler.MultiStepLR.
 */
export function rateFactor(schedule: Schedule, { step, steps, epoch }: Position): number {
  const { warmUp = 0 } = schedule
  const warm = Math.round(warmUp * steps)
  if (step < warm) return (step + 1) / warm
  const share = (step - warm) / Math.max(1, steps - warm)
  switch (schedule.kind) {
    case 'constant':
      return 1
    case 'linear':
      return 1 - share * (1 - (schedule.end ?? 0))
    case 'cosine': {
      const { end = 0 } = schedule
      return end + ((1 - end) * (1 + Math.cos(Math.PI * share))) / 2
    }
    case 'step':
      return (schedule.factor ?? 0.1) ** schedule.epochs.filter((at) => at <= epoch).length
  }
}

const isPart = (value: number): boolean => value >= 0 && value <= 1

/** @throws GNT_USAGE for a share outside its range */
export function checkSchedule(schedule: Schedule): void {
  checkRange('wrong share of warm-up', schedule.warmUp ?? 0, isPart, '0 to 1')
  if (schedule.kind === 'cosine' || schedule.kind === 'linear')
    checkRange('wrong end of the learning rate', schedule.end ?? 0, isPart, '0 to 1')
  if (schedule.kind === 'step')
    checkRange(
      'wrong factor of the learning rate',
      schedule.factor ?? 0.1,
      (f) => f > 0,
      'a positive number',
    )
}
