import { parse } from 'csv-parse/sync'
import { parseHTML } from 'linkedom'
import { describe, expect, it } from 'vitest'
import { renderConsole } from '../../../reports/console.js'
import { csv } from '../../../reports/csv.js'
import { html } from '../../../reports/html.js'
import { json } from '../../../reports/json.js'
import { junit } from '../../../reports/junit.js'
import { markdown } from '../../../reports/markdown.js'
import { poisoningView, poisonResults } from '../../../reports/poisoning.js'
import type { PoisoningView, RunReport } from '../../../src/reporter.js'
import {
  poisonedOnlyReport,
  poisonedReport,
  unfinishedPoisoning,
} from '../../helpers/sample-poisoning.js'
import { failingReport } from '../../helpers/sample-report.js'
import { arm, filteredArms, set, trial, trials, verdict } from '../../helpers/trials.js'

const text = (element: Element | null | undefined): string =>
  (element?.textContent ?? '').replaceAll(/\s+/g, ' ').trim()

async function pageOf(report: RunReport): Promise<Document> {
  return parseHTML(await html.render(report)).document
}

describe('the view of trials', () => {
  const filtered = trials(4).map((one, i) => ({
    ...one,
    arms: [
      ...one.arms,
      ...filteredArms('spectral', { removed: 500, removedPoisons: 200, success: 0.1 * i }),
    ],
    detectors: [
      i < 3
        ? verdict('spectral', { flagged: 500, truePositives: 200, flaggedInControl: 250 })
        : verdict('spectral', { notApplicable: 'two classes' }),
    ],
  }))
  const view = poisoningView([set(filtered)], []).cells[0]!

  it('counts every trial once', () => {
    const [few, many] = [trial(0, { success: 1 }), trial(1, { success: 0 })]
    const [poisoned] = few.arms.slice(1)
    const small = {
      ...few,
      arms: [few.arms[0]!, { ...poisoned!, attackSuccess: { successes: 9, trials: 9 } }],
    }
    const cell = poisoningView([set([small, many])], []).cells[0]!
    expect(cell.poisoned!.attackSuccess.estimate).toBeCloseTo(0.5, 12)
    expect(cell.poisoned!.successfulTrials).toMatchObject({ successes: 1, trials: 2 })
  })

  it('tells filters from detectors, and both from their controls', () => {
    expect(view.filters.map(({ filter }) => filter)).toEqual(['spectral', 'random', 'oracle'])
    const [spectral, random, oracle] = view.filters
    expect(spectral).toMatchObject({ removedShare: 0.1, foundShare: 0.8, trials: 4 })
    expect(spectral!.attackSuccess.estimate).toBeCloseTo(0.15, 12)
    expect(random!.foundShare).toBeCloseTo(0.1, 12)
    expect(oracle!.foundShare).toBe(1)
    expect(view.detectors).toEqual([
      {
        detector: 'spectral',
        precision: expect.closeTo(0.4, 12) as number,
        recall: expect.closeTo(0.8, 12) as number,
        falsePositiveRate: expect.closeTo(0.05, 12) as number,
        stated: 0.05,
        trials: 3,
        notApplicable: 'two classes',
      },
    ])
  })

  it('has no precision where nothing was flagged, and no loss without a clean arm', () => {
    const bare = trial(
      0,
      {},
      {
        arms: [arm('poisoned', 0.9, 0.9)],
        detectors: [verdict('knn', { flagged: 0, truePositives: 0 })],
      },
    )
    const cell = poisoningView([set([bare])], []).cells[0]!
    expect(cell.clean).toBeUndefined()
    expect(cell.cleanLoss.trials).toBe(0)
    expect(cell.detectors[0]!.precision).toBeNaN()
  })

  it('compares the trials that both versions have, and corrects over the rows', () => {
    const [v1, v2] = [
      set(trials(10, { success: 0.1 }), { version: 'v1' }),
      set(trials(8, { success: 0.9 }), { version: 'v2' }),
    ]
    const rates = [0.05, 0.01].map((value) => ({ value, of: 'dataset' as const }))
    const sets = rates.flatMap((rate) =>
      [v1, v2].map((one) => ({ ...one, record: { ...one.record, rate } })),
    )
    const rows = poisoningView(sets, [['v1', 'v2']]).comparisons
    expect(rows).toHaveLength(2)
    expect(rows[0]).toMatchObject({
      rate: rates[0],
      difference: { trials: 8, more: 8, pMore: 1 / 256 },
      pAdjusted: 2 / 256,
    })
    expect(rows[0]!.difference.estimate).toBeCloseTo(0.8, 12)
  })

  it('pairs nothing whose data or parameters differ', () => {
    const v1 = set(trials(10), { version: 'v1' })
    for (const more of [
      { trainingData: { ...v1.record.trainingData, digest: 'other' } },
      { poison: { ...v1.record.poison, params: { size: 4 } } },
      { rate: { value: 0.05, of: 'targetClass' as const } },
    ])
      expect(poisoningView([v1, set(trials(10), more)], [['v1', 'v2']]).comparisons).toEqual([])
    // The training is what is compared.
    const retrained = set(trials(10), {
      training: { kind: 'built-in', from: 'head', epochs: 1, batch: 8, settings: {} },
    })
    expect(poisoningView([v1, retrained], [['v1', 'v2']]).comparisons).toHaveLength(1)
  })

  it('gives the gate each trial of a version, with what is doubted', () => {
    const sets = [
      set(filtered, { keys: ['a', 'b', 'c', 'd', 'e'] }),
      set(trials(2), { version: 'v1' }),
    ]
    const doubts = [
      { cell: sets[0]!.record.cell, text: 'B5', filter: 'spectral' },
      { cell: sets[1]!.record.cell, text: 'B1' },
    ]
    const [own, ...others] = poisonResults(sets, 'v2', doubts)
    expect(others).toEqual([])
    expect(own).toMatchObject({
      poison: 'badnets',
      planned: 5,
      doubts: [{ text: 'B5', filter: 'spectral' }],
    })
    expect(own!.trials.map(({ trial: name }) => name)).toHaveLength(4)
    expect(own!.trials[2]!.filtered['spectral']!.attackSuccess).toBeCloseTo(0.2, 12)
    expect(own!.trials[0]!.poisoned!.cleanLoss).toBeCloseTo(0.003, 12)
  })
})

describe('a run that poisons nothing', () => {
  it.each([html, csv, junit, markdown, json])('says nothing of poisons: $id', async (reporter) => {
    expect(await reporter.render(failingReport())).not.toMatch(/poison/i)
    expect((await reporter.more?.(failingReport())) ?? []).toEqual([])
  })

  it('says nothing of poisons on the console', () => {
    expect(renderConsole(failingReport(), { maxLines: Infinity })).not.toMatch(/poison/i)
  })
})

describe('html', () => {
  it('shows cells, filters, detectors and comparisons, in order', async () => {
    const page = await pageOf(poisonedReport())
    const section = page.querySelector('section[aria-labelledby=poisoning]')!
    expect([...section.querySelectorAll('h3')].map(text)).toEqual([
      'With and without the poison',
      'Poisoned samples below what they were, of the first trial',
      'After a filter',
      'Detectors',
      'v1 → v2: attack success',
    ])
    const rows = [...section.querySelectorAll('#poisons tbody tr')].map(text)
    expect(rows).toHaveLength(8)
    expect(rows[0]).toMatch(
      /^v1 ?BadNets 3×3 0\.1 % of the data set ?\d\.\d % 0\.0 to 3\d\.\d ?1\.\d % ?0 of 10 0\.0 to 30\.8 ?96\.\d % → 9\d\.\d % −0\.\d pp \(−/,
    )
    expect(section.querySelectorAll('#filters tbody tr')).toHaveLength(24)
    expect(text(section.querySelector('#detectors tbody tr'))).toMatch(
      /spectral.*4\.\d %, stated 5 %/,
    )
    expect(text(section.querySelector('#poison-comparison-0 tbody tr'))).toMatch(/\+\d\.\d pp/)
    expect(page.querySelector('[aria-labelledby=per-attack]')).not.toBeNull()
  })

  it('draws both measures of each version over the rate', async () => {
    const page = await pageOf(poisonedReport())
    const charts = [...page.querySelectorAll('.charts .wide svg')]
    expect(charts.map((chart) => chart.getAttribute('aria-label'))).toEqual([
      expect.stringMatching(
        /^Attack success of BadNets 3×3 .*v1: 1\.\d % at 0 %, .* at 0\.1 %, .* at 5 %\. v2:/,
      ),
      expect.stringMatching(/^Attack success of Blended 20 %/),
    ])
    // Two versions: a dot for each of two measures at four rates.
    expect(charts[0]!.querySelectorAll('circle')).toHaveLength(16)
    expect(text(charts[0])).toContain('v2, clean accuracy at 5 %: 9')
  })

  it('leaves out empty tables where nothing is attacked as it is', async () => {
    const page = await pageOf(poisonedOnlyReport())
    expect([...page.querySelectorAll('h2')].map(text)).toEqual([
      'Numbers only: this run has no gate rules',
      'Poisoned training',
      'Trust',
      'Manifest',
    ])
  })

  it('says what is missing', async () => {
    const page = await pageOf(unfinishedPoisoning())
    expect(text(page.querySelector('.banner h2'))).toContain(
      '1 of 8 cells of poisons lacking trials',
    )
    expect(text(page.querySelector('.banner ul'))).toMatch(
      /training diverged.*: 1 of 10 trials did not run/,
    )
    expect(text(page.querySelector('#poisons tr.partial'))).toContain('8 of 10 trials')
  })

  it('shows names as text', async () => {
    const name = '<b onload=x>"'
    const report = poisonedReport()
    const hostile = (view: PoisoningView): PoisoningView => ({
      cells: view.cells.map((cell) => ({
        ...cell,
        label: name,
        notes: [name],
        filters: cell.filters.map((filter) => ({ ...filter, filter: name })),
        detectors: cell.detectors.map((detector) => ({
          ...detector,
          detector: name,
          notApplicable: name,
        })),
        paths: cell.paths.map((path) => ({ ...path, path: name })),
      })),
      comparisons: view.comparisons.map((row) => ({ ...row, label: name })),
    })
    const page = await pageOf({ ...report, poisoning: hostile(report.poisoning!) })
    expect(page.querySelectorAll('[onload]')).toHaveLength(0)
    expect(text(page.querySelector('#poisons tbody td'))).toContain(name)
    expect(text(page.querySelector('#filters tbody td:nth-of-type(2)'))).toBe(name)
  })

  it('tells the trust in poisons apart', async () => {
    const page = await pageOf(poisonedReport())
    const trust = text(page.querySelector('section[aria-labelledby=trust]'))
    expect(trust).toContain('v1 (poisoning)')
    expect(trust).toContain('B5 A detector flags more clean samples than it says')
  })
})

describe('the other formats', () => {
  it('csv: one row per training', async () => {
    const [file, ...others] = await csv.more!(poisonedReport())
    expect(others).toEqual([])
    expect(file!.fileName).toBe('trials.csv')
    const rows = parse(file!.text, { columns: true }) as Record<string, string>[]
    // 8 cells, 10 trials, clean, poisoned and three filters.
    expect(rows).toHaveLength(400)
    expect(rows[1]).toMatchObject({
      version: 'v1',
      poison: 'badnets',
      rate: '0.001',
      rate_of: 'dataset',
      source: '',
      target: '0',
      arm: 'poisoned',
      filter: '',
      attack_trials: '900',
    })
    expect(new Set(rows.map((row) => row['filter']))).toEqual(
      new Set(['', 'spectral', 'random', 'oracle']),
    )
  })

  it('json: the view as it is', async () => {
    const report = JSON.parse(await json.render(poisonedReport())) as RunReport
    expect(report.poisoning!.cells[0]!.rate).toEqual({ value: 0.001, of: 'dataset' })
    expect(report.poisoning!.comparisons.length).toBeGreaterThan(3)
  })

  it('junit: an unfinished run is an error', async () => {
    expect(await junit.render(poisonedOnlyReport())).toContain('8 cells of poisons, all trials')
    expect(await junit.render(unfinishedPoisoning())).toMatch(
      /<error message="run is incomplete, 1 of 8 cells of poisons lacking trials, 2 problems"/,
    )
  })

  it('markdown: poisons, their comparison, and filters', async () => {
    const page = await markdown.render(poisonedReport())
    expect(page).toMatch(
      /\| v1, BadNets 3×3, 1 % of the data set \| 3\d\.\d % \(.*\) \| 1\.\d % \| 96\.\d %, −0\.\d pp/,
    )
    expect(page).toContain('v1 → v2, poison by poison')
    expect(page).toMatch(/BadNets 3×3, 5 % of the data set: spectral \|/)
  })

  it.each([80, 100])('console: lines of at most %d columns', (width) => {
    const lines = renderConsole(poisonedOnlyReport(), { width, maxLines: Infinity }).split('\n')
    for (const line of lines) expect([...line].length).toBeLessThanOrEqual(width)
    expect(lines.join('\n')).toMatch(/v2, BadNets 3×3 +1 % of data +9\d\.\d %/)
    expect(lines.join('\n')).toMatch(/v1 → v2 +poison rate/)
  })

  it('console: says how much is left out', () => {
    const lines = renderConsole(poisonedReport(), { maxLines: 40 }).split('\n')
    expect(lines.length).toBeLessThanOrEqual(44)
    expect(lines.at(-1)).toMatch(/more poison lines in the report/)
  })
})
