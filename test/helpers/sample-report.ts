import type { GateResult, RuleResult, Verdict } from '../../src/gate/types.js'
import type { CellView, ComparisonView, PictureView, RunReport } from '../../src/reporter.js'
import {
  formatP,
  formatPercent,
  formatPoints,
  formatPointsInterval,
  formatShareInterval,
} from '../../src/stats/format.js'
import { holm } from '../../src/stats/multiple.js'
import { pairCounts, pairedDifference } from '../../src/stats/paired.js'
import { wilson } from '../../src/stats/proportion.js'
import type { PairedDifference } from '../../src/stats/types.js'
import { createRng } from '../../src/util/rng.js'
import { samplePictures, tabularPictures } from './sample-pictures.js'

/**
 * A report as a run would build it: every number follows from simulated per-sample outcomes through
 * the project's own statistics, so counts, intervals and p-values agree with each other.
 */

const samples = 500
const epsilons = [2 / 255, 4 / 255, 8 / 255]
const attacks = [
  { attack: 'uniform-noise', label: 'Uniform noise', strength: 0.08, gradients: 0, queries: 11 },
  { attack: 'fgsm', label: 'FGSM', strength: 0.7, gradients: 1, queries: 2 },
  { attack: 'pgd', label: 'PGD-40', strength: 1, gradients: 33, queries: 35 },
]

/** Per sample: right on the clean input, and the epsilon (× strength of the attack) it withstands. */
interface Simulated {
  readonly version: string
  readonly digest: string
  readonly right: readonly boolean[]
  readonly withstands: readonly number[]
}

function simulate(version: string, cleanAccuracy: number, typical: number): Simulated {
  const shared = createRng('sample-report')
  const own = createRng('sample-report', version)
  const right: boolean[] = []
  const withstands: number[] = []
  for (let i = 0; i < samples; i++) {
    // A hard sample is hard for every version: that is what makes the comparison a paired one.
    right.push(0.8 * shared.uniform() + 0.2 * own.uniform() < cleanAccuracy * 0.94)
    withstands.push(typical * Math.exp(0.7 * (0.7 * shared.normal() + 0.7 * own.normal())))
  }
  const digest = createHex(version)
  return { version, digest, right, withstands }
}

function createHex(seed: string): string {
  const rng = createRng('digest', seed)
  return Array.from({ length: 64 }, () => rng.below(16).toString(16)).join('')
}

function robust(model: Simulated, epsilon: number, strength: number): boolean[] {
  return model.right.map((right, i) => right && (model.withstands[i] ?? 0) > epsilon * strength)
}

function tally(flags: readonly boolean[]): number {
  return flags.filter(Boolean).length
}

function cellsOf(model: Simulated): CellView[] {
  const clean = tally(model.right)
  return attacks.flatMap(({ attack, label, strength, gradients, queries }) =>
    epsilons.map((epsilon, e): CellView => {
      const held = tally(robust(model, epsilon, strength))
      const seconds = 0.4 + gradients * 0.21 + e * 0.1
      return {
        version: model.version,
        attack,
        label,
        norm: 'linf',
        epsilon,
        samples,
        complete: true,
        cleanAccuracy: wilson(clean, samples),
        robustAccuracy: wilson(held, samples),
        attackSuccess: wilson(clean - held, clean),
        queries: queries * samples - e * 700,
        gradients: Math.max(0, gradients * samples - e * 700),
        seconds,
        secondsInRuntime: seconds * 0.96,
        notes: [],
      }
    }),
  )
}

function compare(baseline: Simulated, candidate: Simulated): ComparisonView[] {
  const row = (
    before: readonly boolean[],
    after: readonly boolean[],
    rest: Pick<ComparisonView, 'what' | 'norm' | 'epsilon'>,
  ) => ({
    baseline: baseline.version,
    candidate: candidate.version,
    ...rest,
    baselineValue: wilson(tally(before), samples),
    candidateValue: wilson(tally(after), samples),
    difference: pairedDifference(pairCounts(before, after)),
  })
  const under = (what: string, strength: number) =>
    epsilons.map((epsilon) =>
      row(robust(baseline, epsilon, strength), robust(candidate, epsilon, strength), {
        what,
        norm: 'linf',
        epsilon,
      }),
    )
  const rows = [
    row(baseline.right, candidate.right, { what: 'clean accuracy' }),
    ...under('worst case', 1),
    ...attacks.flatMap(({ label, strength }) => under(label, strength)),
  ]
  const adjusted = holm(rows.map((each) => each.difference.pWorse))
  return rows.map((each, i) => ({ ...each, pAdjusted: adjusted[i] ?? 1 }))
}

function gateOf(comparisons: readonly ComparisonView[], candidate: string): GateResult {
  const clean = comparisons.find((row) => row.what === 'clean accuracy')
  const worst = comparisons.filter((row) => row.what === 'worst case')[1]
  if (!clean || !worst) throw new Error('the sample comparison lacks its key rows')
  const rules: RuleResult[] = [
    nonInferiority('robustness-holds', 'robust accuracy, worst case, L∞ 4/255', worst, 0.02),
    nonInferiority('clean-holds', 'clean accuracy', clean, 0.02),
    {
      id: 'clean-floor',
      kind: 'floor',
      level: 'error',
      verdict: 'pass',
      reason: `clean accuracy ${formatPercent(clean.candidateValue.estimate)} (${formatShareInterval(clean.candidateValue)}); at least 70 % asked`,
      value: clean.candidateValue,
    },
    {
      id: 'attacks-ran',
      kind: 'required-attacks',
      level: 'error',
      verdict: 'pass',
      reason: 'fgsm and pgd ran to the end on all samples',
    },
  ]
  const verdict =
    (['fail', 'inconclusive'] as const).find((v) => rules.some((rule) => rule.verdict === v)) ??
    'pass'
  return { verdict, baseline: worst.baseline, candidate, rules }
}

function nonInferiority(id: string, what: string, row: ComparisonView, margin: number): RuleResult {
  const { difference, pAdjusted } = row
  const { newlyBroken, newlyFixed } = difference.counts
  const values = [row.baselineValue, row.candidateValue].map((p) => formatPercent(p.estimate))
  return {
    id,
    kind: 'non-inferiority',
    level: 'error',
    verdict: nonInferiorityVerdict(difference, margin),
    reason: `${what}: ${values.join(' → ')}, ${formatPoints(difference.estimate)} (${formatPointsInterval(difference)}; margin 2 pp), ${newlyBroken} newly broken, ${newlyFixed} newly fixed, ${formatP(pAdjusted)}`,
    difference,
    pAdjusted,
  }
}

function nonInferiorityVerdict({ low, high }: PairedDifference, margin: number): Verdict {
  if (low >= -margin) return 'pass'
  return high < -margin ? 'fail' : 'inconclusive'
}

function build(models: readonly Simulated[]): RunReport {
  const comparisons = models.slice(1).flatMap((candidate, i) => {
    const baseline = models[i]
    return baseline ? compare(baseline, candidate) : []
  })
  const candidate = models.length > 1 ? models.at(-1) : undefined
  const judged = comparisons.filter((row) => row.candidate === candidate?.version)
  return {
    title: `Glyph classifier: ${models.map((model) => model.version).join(' → ')}`,
    runId: 'r-20260314-0905-7c1e',
    createdAt: '2026-03-14T09:05:12Z',
    status: 'complete',
    suite: 'quick',
    dataset: { name: 'glyphs', digest: createHex('data'), samples, classes: 10 },
    versions: models.map((model) => ({
      version: model.version,
      path: `models/glyphs-${model.version}.onnx`,
      digest: model.digest,
      cleanAccuracy: wilson(tally(model.right), samples),
      approximations: [],
      worstCase: epsilons.map((epsilon) => ({
        norm: 'linf',
        epsilon,
        robustAccuracy: wilson(tally(robust(model, epsilon, 1)), samples),
      })),
    })),
    cells: models.flatMap(cellsOf),
    comparisons,
    gate: candidate && gateOf(judged, candidate.version),
    pictures: models.flatMap((model, i) => samplePictures(model.version, 4 / 255, i === 0 ? 3 : 6)),
    problems: [],
    manifest: {
      engine: 'gauntlet 0.1.0',
      node: 'v20.19.0',
      seed: 20260314,
      device: { provider: 'cpu', threads: 1, workers: 2 },
      models: models.map(({ version, digest }) => ({ version, digest })),
      attacks: [{ id: 'pgd', version: 1, params: { steps: 40, relStepSize: 1 / 30 }, restarts: 1 }],
      epsilons,
    },
  }
}

/** v1 robust, v2 more accurate but fragile: the gate fails on robustness. */
export function failingReport(): RunReport {
  return build([simulate('v1', 0.93, 12 / 255), simulate('v2', 0.97, 4 / 255)])
}

export function passingReport(): RunReport {
  return build([simulate('v1', 0.93, 11 / 255), simulate('v2', 0.98, 16 / 255)])
}

/** A worker was lost: one cell lacks samples, and the rule that needs it cannot be decided. */
export function inconclusiveReport(): RunReport {
  const report = passingReport()
  const cells = report.cells.map((cell, i) =>
    i === report.cells.length - 1 ? { ...cell, complete: false, samples: 320 } : cell,
  )
  const rules = (report.gate?.rules ?? []).map((rule): RuleResult =>
    rule.id === 'attacks-ran'
      ? {
          ...rule,
          verdict: 'inconclusive',
          reason: 'pgd at L∞ 8/255 on v2 lacks 180 of 500 samples; run the same command again',
        }
      : rule,
  )
  return {
    ...report,
    status: 'incomplete',
    cells,
    gate: { verdict: 'inconclusive', baseline: 'v1', candidate: 'v2', rules },
    problems: [
      'PGD-40 on v2, L∞ 8/255, samples 320 to 500: worker was lost twice, task quarantined',
    ],
  }
}

export function ungatedReport(): RunReport {
  return { ...failingReport(), gate: undefined }
}

/** Three in order, names as a release process gives them: each is compared with the one before. */
export function threeVersionsReport(): RunReport {
  return build([
    simulate('2026.01-base', 0.9, 5 / 255),
    simulate('2026.02-adversarial', 0.93, 12 / 255),
    simulate('2026.03-distilled', 0.94, 11 / 255),
  ])
}

/** More versions than the chart has colours, with names of all widths. */
export function manyVersionsReport(count = 12): RunReport {
  return build(
    Array.from({ length: count }, (_, i) =>
      simulate(`WWMM-model-${i}-mobilenet_wm`, 0.9, (3 + i) / 255),
    ),
  )
}

/** One version, so nothing to compare and no gate against a baseline. */
export function singleVersionReport(): RunReport {
  return build([simulate('v1', 0.93, 12 / 255)])
}

/** Inputs that are not pictures. */
export function tabularReport(): RunReport {
  return { ...failingReport(), title: 'Credit scoring', pictures: tabularPictures('v2', 0.1, 3) }
}

/** Every name a user or a file can choose, set to `text`. */
export function hostileReport(text: string): RunReport {
  const report = failingReport()
  const rename = <T extends { version: string }>(row: T): T => ({
    ...row,
    version: text + row.version,
  })
  return {
    ...report,
    title: text,
    runId: text,
    suite: text,
    dataset: { ...report.dataset, name: text },
    status: 'incomplete',
    versions: report.versions.map((v) => ({ ...rename(v), path: text, digest: text })),
    cells: report.cells.map((cell) => ({
      ...rename(cell),
      label: text + cell.label,
      attack: text,
      notes: [text],
    })),
    comparisons: report.comparisons.map((row) => ({
      ...row,
      baseline: text + row.baseline,
      candidate: text + row.candidate,
      what: row.norm === undefined ? row.what : text + row.what,
    })),
    gate: report.gate && {
      ...report.gate,
      baseline: text,
      candidate: text,
      rules: report.gate.rules.map((rule, i) => ({
        ...rule,
        id: `${text}${i}`,
        reason: text,
        waived: i === 1 ? { reason: text, expires: text } : undefined,
      })),
    },
    pictures: report.pictures.map((picture): PictureView => ({
      ...rename(picture),
      label: text,
      trueClass: text,
      cleanClass: text,
      adversarialClass: text,
    })),
    problems: [text],
    manifest: { [text]: text, nested: [{ [text]: [text] }] },
  }
}

/** Nothing ran: every list is empty, and the gate cannot decide. */
export function emptyReport(): RunReport {
  const gate: GateResult = { verdict: 'inconclusive', baseline: null, candidate: 'v1', rules: [] }
  return { ...build([]), title: 'Nothing ran', status: 'interrupted', gate }
}
