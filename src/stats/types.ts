/** A share of a count, with a confidence interval. `low`/`high` are on the same [0, 1] scale. */
export interface Proportion {
  readonly successes: number
  readonly trials: number
  /** NaN when trials is 0. */
  readonly estimate: number
  readonly low: number
  readonly high: number
  readonly confidence: number
}

/** Baseline against candidate on the same samples. "Right" is whatever the metric counts. */
export interface PairedCounts {
  readonly bothRight: number
  /** Right on the baseline, wrong on the candidate. */
  readonly newlyBroken: number
  /** Wrong on the baseline, right on the candidate. */
  readonly newlyFixed: number
  readonly bothWrong: number
}

export interface PairedDifference {
  readonly counts: PairedCounts
  readonly trials: number
  /** candidate − baseline, on [−1, 1]; negative is worse. */
  readonly estimate: number
  /** Tango's score interval. */
  readonly low: number
  readonly high: number
  readonly confidence: number
  /** One-sided exact McNemar: the chance of so many newly broken if neither version were worse. */
  readonly pWorse: number
  /** Two-sided exact McNemar. */
  readonly pDifferent: number
}

/** Mean over trials, each of which counts once. */
export interface Mean {
  /** NaN without trials. */
  readonly estimate: number
  readonly low: number
  readonly high: number
  readonly trials: number
  readonly confidence: number
}

/** Shares of the same trials before and after a change; higher is more. */
export interface TrialsDifference {
  readonly trials: number
  /** Mean of after − before, on [−1, 1]. */
  readonly estimate: number
  readonly low: number
  readonly high: number
  readonly confidence: number
  /** Sums of the differences above 0, and below it without their sign. */
  readonly rise: number
  readonly fall: number
  /** Trials whose share rose, and fell. */
  readonly more: number
  readonly fewer: number
  /** One-sided exact signed-rank test: the chance of such a rise if neither were more. */
  readonly pMore: number
}
