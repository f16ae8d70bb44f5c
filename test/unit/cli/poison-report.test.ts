import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ClassAudit, FormAudit, ModelAudit } from '../../../src/audit/model/result.js'
import { comparePair } from '../../../src/cli/flows/compare-pair.js'
import { planAudits, runAudits } from '../../../src/cli/flows/model-audits.js'
import { reportRun } from '../../../src/cli/flows/report-run.js'
import type { Config } from '../../../src/config/schema.js'
import { loadDataset } from '../../../src/data/load.js'
import type { TrialSet } from '../../../src/plan/trial-arms.js'
import type { PoisoningRecord } from '../../../src/plan/trial.js'
import { openStore } from '../../../src/store/open.js'
import type { Store } from '../../../src/store/store.js'
import { suiteSchema } from '../../../src/suite/schema.js'
import { record, trials } from '../../helpers/trials.js'

let folder: string
let store: Store

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'poison-report-'))
  store = await openStore(join(folder, 'results.db'))
})
afterEach(async () => {
  await store.close()
  await rm(folder, { recursive: true })
})

type Gate = NonNullable<Config['gate']>

const rules: Gate['rules'] = [
  { id: 'ceiling', kind: 'ceiling', metric: 'attackSuccess', max: 0.4 },
  { id: 'regression', kind: 'poison-regression', metric: 'attackSuccess', margin: 0.25 },
  { id: 'tried', kind: 'required-poisons', poisons: ['badnets'] },
]
const gate = (baseline = 'previous'): Gate => ({ baseline, rules, waivers: [] })

/** Trials whose keys are of their version. */
function cell(
  version: string,
  success: number,
  more: Partial<PoisoningRecord> = {},
  done = 10,
): TrialSet {
  const results = trials(10, { success }).map((one) => ({ ...one, key: `${version} ${one.key}` }))
  return {
    record: record({ version, keys: results.map(({ key }) => key), ...more }),
    results: results.slice(0, done),
    failures: [],
  }
}

async function save(
  id: string,
  sets: readonly TrialSet[],
  manifest: Record<string, unknown> = {},
): Promise<void> {
  await store.createRun({
    id,
    suite: 'poisoning',
    title: 'Poisons',
    seed: 1,
    planDigest: id,
    manifest: {
      classes: 10,
      samples: 1000,
      models: sets.map(({ record: { version } }) => ({
        version,
        path: `${version}.onnx`,
        digest: `digest of ${version}`,
      })),
      poisonings: sets.map((one) => one.record),
      ...manifest,
    },
    cells: [],
  })
  for (const { results } of sets) for (const result of results) await store.saveTrial(result)
  await store.setRunStatus(id, 'complete')
}

const verdicts = (report: Awaited<ReturnType<typeof reportRun>>): Record<string, string> =>
  Object.fromEntries(report.gate!.rules.map(({ id, verdict }) => [id, verdict]))

describe('a run that poisons only', () => {
  it('has a report, with its versions as the manifest names them', async () => {
    await save('run', [cell('v1', 0.02), cell('v2', 0.97)])
    const report = await reportRun(store, { runId: 'run' })
    expect(report.versions.map(({ version, path }) => [version, path])).toEqual([
      ['v1', 'v1.onnx'],
      ['v2', 'v2.onnx'],
    ])
    expect(report.dataset).toMatchObject({ samples: 1000, classes: 10, digest: 'test' })
    expect(report.poisoning!.cells.map(({ done }) => done)).toEqual([10, 10])
    expect(report.poisoning!.comparisons).toHaveLength(1)
    expect(report.problems).toEqual([])
  })

  it('fails its gate where the newest version is more susceptible', async () => {
    await save('run', [cell('v1', 0.02), cell('v2', 0.97)])
    const report = await reportRun(store, { runId: 'run', gate: gate() })
    expect(verdicts(report)).toEqual({ ceiling: 'fail', regression: 'fail', tried: 'pass' })
    expect(report.gate).toMatchObject({ verdict: 'fail', baseline: 'v1', candidate: 'v2' })
  })

  it('passes where it resists what the version before did not', async () => {
    await save('run', [cell('v1', 0.97), cell('v2', 0.012)])
    const report = await reportRun(store, { runId: 'run', gate: gate() })
    expect(verdicts(report)).toEqual({ ceiling: 'pass', regression: 'pass', tried: 'pass' })
    // B1 is a note: the poison takes hold on v1.
    expect(report.trust).toMatchObject([
      { version: 'v1', about: 'poisoning', trust: 'high' },
      {
        version: 'v2',
        about: 'poisoning',
        trust: 'high',
        findings: [{ signal: 'B1', severity: 'note' }],
      },
    ])
  })

  it('decides nothing where the poison takes hold nowhere', async () => {
    await save('run', [cell('v1', 0.01), cell('v2', 0.012)])
    const report = await reportRun(store, { runId: 'run', gate: gate() })
    expect(verdicts(report)).toEqual({
      ceiling: 'inconclusive',
      regression: 'inconclusive',
      tried: 'inconclusive',
    })
    expect(report.gate!.rules[0]!.reason).toContain('not valid: B1, attack success 1.2 %')
    expect(report.trust!.map(({ trust }) => trust)).toEqual(['void', 'void'])
  })

  it('decides nothing where a trial failed, and says which', async () => {
    const half = cell('v2', 0.01, {}, 8)
    await save('run', [cell('v1', 0.97), half])
    await store.saveFailure('run', half.record.keys[8]!, { kind: 'failed', message: 'diverged' })
    const report = await reportRun(store, { runId: 'run', gate: gate() })
    expect(verdicts(report)['ceiling']).toBe('inconclusive')
    expect(report.gate!.rules[0]!.reason).toContain('8 of 10 trials done on v2')
    expect(report.problems).toEqual([
      `${half.record.cell}: failed: diverged`,
      `${half.record.cell}: 1 of 10 trials did not run`,
    ])
  })

  it('reads the classes of its data from the manifest', async () => {
    const counts = { test: Array.from({ length: 10 }, () => 100), training: [1200, 100] }
    await save('run', [cell('v1', 0.97)], { classCounts: counts })
    const [trust] = (await reportRun(store, { runId: 'run' })).trust!
    // 250 poisons are more than 5 % of 1,300.
    expect(trust!.findings.map(({ signal }) => signal)).toEqual(['B8'])
  })

  it('is compared with a baseline of another run', async () => {
    await save('old', [cell('v1', 0.97)])
    await store.setBaseline('release', 'old', 'v1', '')
    await save('new', [cell('v2', 0.012)])
    const report = await reportRun(store, { runId: 'new', gate: gate('baseline:release') })
    expect(report.gate).toMatchObject({ baseline: 'v1', candidate: 'v2', verdict: 'pass' })
    await expect(store.setBaseline('release', 'old', 'v9', '')).rejects.toThrow(/v9.*expected v1/)
  })
})

describe('compare', () => {
  it('shows two versions of two runs', async () => {
    await save('old', [cell('v1', 0.1)])
    await save('new', [cell('v2', 0.97)])
    const { poisoning } = await comparePair(store, 'latest', 'old/v1', 'new/v2')
    expect(poisoning!.comparisons).toMatchObject([
      { baseline: 'old/v1', candidate: 'new/v2', difference: { trials: 10, more: 10 } },
    ])
  })

  it('refuses what was not tried on both', async () => {
    const rate = { value: 0.01, of: 'dataset' } as const
    await save('old', [cell('v1', 0.1)])
    await save('new', [cell('v2', 0.97, { rate })])
    await expect(comparePair(store, 'latest', 'old/v1', 'new/v2')).rejects.toThrow(/in common/)
    await expect(comparePair(store, 'latest', 'old/v1', 'new/v9')).rejects.toThrow(/expected v2/)
  })
})

const form = (more: Partial<FormAudit> = {}): FormAudit => ({
  sizes: [9, 9, 9],
  size: 9,
  ratio: 1,
  index: 0,
  reach: 0.9,
  flaggedSeeds: [],
  flagged: false,
  ...more,
})

function audit(flagged: readonly number[], more: Partial<ModelAudit> = {}): ModelAudit {
  const classes = Array.from(
    { length: 10 },
    (_, label): ClassAudit & { newlyReachable: boolean } => {
      const own = flagged.includes(label)
        ? form({ flagged: true, flaggedSeeds: [1, 2, 3], index: 5, ratio: 0.2 })
        : form()
      return {
        label,
        forms: { patch: own, additive: form() },
        flagged: own.flagged,
        newlyReachable: false,
      }
    },
  )
  return {
    schema: 'gauntlet-model-audit/1',
    status: 'complete',
    model: { file: 'v2.onnx', digest: 'x', accuracy: 0.9 },
    samples: 300,
    seeds: [1, 2, 3],
    classes,
    flagged,
    newlyReachable: [],
    findings: [],
    seconds: 1,
    ...more,
  }
}

describe('backdoor audits of a run', () => {
  const backdoor: Gate = {
    baseline: 'previous',
    rules: [{ id: 'backdoor', kind: 'backdoor-audit' }],
    waivers: [],
  }
  const filed = { audits: [{ version: 'v2', key: 'audit of v2' }] }

  it.each([
    { label: 'nothing', found: audit([]), verdict: 'pass' },
    { label: 'a class', found: audit([7]), verdict: 'fail' },
    {
      label: 'a file that was not run',
      found: audit([], {
        status: 'scanned',
        reason: 'a file with such findings is not run',
        classes: [],
      }),
      verdict: 'inconclusive',
    },
    {
      label: 'too few classes to flag one',
      found: audit([], {
        findings: [{ signal: 'few-classes', severity: 'warning', where: '', text: '3 classes' }],
      }),
      verdict: 'inconclusive',
    },
    {
      label: 'searches that end in no number',
      found: audit([], {
        classes: audit([]).classes.map((one) => ({
          ...one,
          forms: { patch: form({ size: null }), additive: form({ size: null }) },
        })),
      }),
      verdict: 'inconclusive',
    },
  ])('find $label: $verdict', async ({ found, verdict }) => {
    await save('run', [cell('v2', 0.97)], filed)
    await store.saveAudit('audit of v2', found)
    const report = await reportRun(store, { runId: 'run', gate: backdoor })
    expect(report.gate!.verdict).toBe(verdict)
    expect(report.audits).toMatchObject([{ version: 'v2', flagged: found.flagged }])
  })

  it('that were not asked for, or not made, are no pass', async () => {
    await save('run', [cell('v2', 0.97)])
    const without = await reportRun(store, { runId: 'run', gate: backdoor })
    expect(without.gate!.rules[0]!.reason).toContain('audit: { model: true }')
    await save('other', [cell('v2', 0.97)], filed)
    await store.saveFailure('other', 'audit of v2', { kind: 'failed', message: 'no gradient' })
    const failed = await reportRun(store, { runId: 'other', gate: backdoor })
    expect(failed.gate!.verdict).toBe('inconclusive')
    expect(failed.problems).toEqual(['backdoor audit of v2: failed: no gradient'])
  })

  it('raise B10 where seeds disagree; agreement is silent', async () => {
    const unsure = audit([], {
      findings: [{ signal: 'B10', severity: 'warning', where: 'class 7', text: '1 of 3 seeds' }],
    })
    for (const [id, found, trust] of [
      ['sure', audit([7]), 'high'],
      ['unsure', unsure, 'medium'],
    ] as const) {
      await save(id, [], {
        audits: [{ version: 'v2', key: id }],
        poisonings: [cell('v2', 0.9).record],
      })
      await store.saveAudit(id, found)
      const views = (await reportRun(store, { runId: id })).trust!
      expect(views.find(({ about }) => about === 'backdoor audit')).toMatchObject({ trust })
    }
  })

  it('are planned by content, and only if asked for', () => {
    const model = { version: 'v1', path: 'a.onnx', digest: 'x' }
    const plan = (more: object, own = model) =>
      planAudits({ seed: 1, audit: { model: true, samples: 300, seeds: 3, ...more } }, [own], {
        digest: 'd',
      })
    expect(plan({ model: false })).toEqual([])
    const [one] = plan({})
    expect(one!.seeds).toEqual([1, 2, 3])
    expect(plan({}, { ...model, version: 'v2', path: 'b.onnx' })[0]!.key).toBe(one!.key)
    expect(plan({}, { ...model, digest: 'y' })[0]!.key).not.toBe(one!.key)
    expect(plan({ samples: 100 })[0]!.key).not.toBe(one!.key)
  })

  it('that fail leave the run incomplete, and what is known is not repeated', async () => {
    await save('run', [])
    const dataset = await loadDataset({ path: 'glyphs', limit: 20, seed: 1 })
    const [missing] = planAudits(
      { seed: 1, audit: { model: true, samples: 20, seeds: 1 } },
      [{ version: 'v1', path: join(folder, 'none.onnx'), digest: 'x' }],
      dataset,
    )
    const outcome = {
      runId: 'run',
      status: 'complete' as const,
      tasks: 0,
      executed: 0,
      failed: 0,
      seconds: 0,
    }
    const asked: string[] = []
    const options = {
      parallel: 1,
      signal: new AbortController().signal,
      onAudit: (version: string) => void asked.push(version),
    }
    const ran = await runAudits([missing!], dataset, store, outcome, options)
    expect(ran).toMatchObject({ status: 'incomplete', failed: 1, tasks: 1 })
    expect((await store.getRun('run')).status).toBe('incomplete')
    expect((await store.failuresOf('run')).get(missing!.key)?.message).toMatch(/none\.onnx/)
    await store.saveAudit(missing!.key, audit([]))
    expect(await runAudits([missing!], dataset, store, outcome, options)).toMatchObject({
      status: 'complete',
    })
    expect(asked).toEqual(['v1'])
  })
})

const suite = (rates: unknown): unknown => ({
  id: 's',
  title: 'S',
  poisons: [{ use: 'badnets', rates }],
})

describe('B8', () => {
  it('refuses a rate without its denominator', () => {
    for (const rates of [[0.05], [{ value: 0.05 }], [{ value: 0.05, of: 'everything' }]])
      expect(JSON.stringify(suiteSchema.safeParse(suite(rates)).error?.issues)).toContain(
        'a share and what it is a share of',
      )
    expect(suiteSchema.safeParse(suite([{ value: 0.05, of: 'dataset' }])).success).toBe(true)
  })
})
