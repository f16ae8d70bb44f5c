import { describe, expect, it } from 'vitest'
import { summarize } from '../../../src/cli/flows/poison-summary.js'
import { printPoison } from '../../../src/cli/flows/poison-table.js'
import type { TrialCell, TrialResult } from '../../../src/plan/trial.js'
import { memoryIo } from '../../helpers/memory-io.js'
import { record, trials } from '../../helpers/trials.js'

function printed(results: readonly TrialResult[], failures: readonly string[] = []): string {
  const io = memoryIo()
  const { poison, rate, keys } = record({ keys: ['key 0', 'key 1', 'key 2'] })
  const tasks = keys.map((key) => ({ key })) as unknown as TrialCell['tasks']
  const summaries = [summarize({ tasks, poison, rate }, results, 5000)]
  printPoison({ summaries, trials: results, findings: [], failures, seconds: 1, workers: 1 }, io)
  return io.stdout()
}

describe('the table of gauntlet poison', () => {
  it('says why there is none where every trial failed', () => {
    const failures = [1, 2, 3].map((n) => `v2 / BadNets, trial ${n}: the loss is not finite`)
    const text = printed([], failures)
    expect(text).toContain('no trial finished, so there is nothing to show: the loss is not finite')
    expect(text).not.toContain('trained on')
    expect(printed([], ['c, trial 1: one', 'c, trial 2: two'])).toContain('2 reasons, listed below')
  })

  it('names the trials that a note is of, unless it is of all', () => {
    const [first, second, third] = trials(3)
    const text = printed([
      { ...third!, notes: ['all', 'cosine 0.9'] },
      { ...first!, notes: ['all', 'cosine 0.9'] },
      { ...second!, notes: ['all', 'cosine 0.8'] },
    ])
    expect(text.split('\n').filter((line) => line.startsWith('note: '))).toEqual([
      'note: all',
      'note: trials 1, 3: cosine 0.9',
      'note: trial 2: cosine 0.8',
    ])
  })
})
