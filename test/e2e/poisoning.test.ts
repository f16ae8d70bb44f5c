import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { childrenOf, haveLeft, runCli, startCli } from '../helpers/cli.js'
import {
  makePoisonProject,
  poisonTrials,
  trialsOfLatest,
  writePoisonConfig,
} from '../helpers/poison-project.js'
import { linearModel } from '../helpers/tiny-models.js'
import { inStore } from '../helpers/tiny-project.js'

let folder: string
beforeAll(async () => {
  folder = makePoisonProject()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const share = ({ successes, trials }: { successes: number; trials: number }): number =>
  successes / trials

const resultsOf = async (place: string) =>
  (await trialsOfLatest(place)).map(({ results }) => results)

describe('a suite with poisons', () => {
  it('trains and measures each trial in all its arms; the same command again runs nothing', async () => {
    const { code, stderr } = await runCli(['run'], folder)
    expect(stderr).toMatch(new RegExp(`new run \\S+: ${poisonTrials} tasks`))
    expect(code).toBe(0)
    const cells = await trialsOfLatest(folder)
    expect(cells.map(({ record }) => record.cell)).toEqual([
      'v1 / BadNets 0.25 / 10 % of the data set',
      'v1 / BadNets 0.25 / 50 % of the target class',
      'v1 / label flip / 30 % of the data set',
    ])
    for (const { results } of cells) expect(results).toHaveLength(2)
    const [badnets, , flip] = cells
    for (const result of badnets!.results) {
      expect(result.arms.map(({ arm, filter }) => filter ?? arm)).toEqual([
        'clean',
        'poisoned',
        'spectral-signatures',
        'random',
        'oracle',
      ])
      const [clean, poisoned, , random, oracle] = result.arms
      expect(result.poisons).toBe(24)
      // Signal B12: what the training was fed is what the attacker left.
      expect(result.fed).toBe(24)
      expect(oracle).toMatchObject({ removed: 24, removedPoisons: 24 })
      expect(random!.removed).toBeGreaterThan(0)
      expect(share(poisoned!.attackSuccess)).toBeGreaterThan(0.9)
      expect(share(clean!.attackSuccess)).toBeLessThan(0.3)
      expect(share(oracle!.attackSuccess)).toBeLessThan(0.3)
      expect(share(clean!.cleanAccuracy)).toBeGreaterThan(0.9)
      expect(Object.keys(result.paths)).toEqual(['uint8', 'jpeg 75', 'resized'])
      expect(result.detectors[0]).toMatchObject({ detector: 'spectral-signatures', samples: 240 })
    }
    for (const { paths, poisons, arms } of flip!.results) {
      expect(paths).toEqual({})
      expect(poisons).toBe(72)
      const [clean, poisoned] = arms
      // Success of a poison against availability is a test sample that is classified wrongly.
      expect(share(clean!.attackSuccess)).toBeCloseTo(1 - share(clean!.cleanAccuracy), 12)
      expect(share(poisoned!.attackSuccess)).toBeGreaterThan(share(clean!.attackSuccess))
    }

    const again = await runCli(['run'], folder)
    expect(again.code).toBe(0)
    expect(again.stderr).toContain('all of it is in the store already')
    expect(await trialsOfLatest(folder)).toEqual(cells)
  })

  it('gives the same numbers on one worker, where trials share their clean training', async () => {
    const other = makePoisonProject({ workers: 1 })
    expect((await runCli(['run'], other)).code).toBe(0)
    expect(await resultsOf(other)).toEqual(await resultsOf(folder))
    rmSync(other, { recursive: true })
  })

  it('goes on after Ctrl-C where it stopped', async () => {
    const other = makePoisonProject()
    const run = startCli(['run'], other)
    await run.seen(/1\/6 .*, trial 1/)
    const children = childrenOf(run.pid)
    run.killGroup('SIGINT')
    const { code, stderr } = await run.done
    expect(code).toBe(130)
    expect(stderr).not.toMatch(/error|\n\s+at /)
    expect(await haveLeft(children, 5000)).toBe(true)
    const done = (await trialsOfLatest(other)).flatMap(({ results }) => results).length
    expect(done).toBeGreaterThan(0)
    expect(done).toBeLessThan(poisonTrials)
    const next = await runCli(['run'], other)
    expect(next.code).toBe(0)
    expect(next.stderr).toContain(`${done} of ${poisonTrials} tasks are in the store already`)
    expect(await resultsOf(other)).toEqual(await resultsOf(folder))
    rmSync(other, { recursive: true })
  })

  it.each<[string, Record<string, unknown>, RegExp]>([
    [
      'no training data',
      { trainingData: undefined },
      /suite with poisons needs trainingData \(suite tiny-poisons\): expected trainingData in the configuration/,
    ],
    ['no training', { training: undefined }, /suite with poisons needs training \(/],
    ['an unknown key', { training: { epoch: 4 } }, /training\.epoch\): .*did you mean epochs\?/],
    [
      'a program that is not there',
      { training: { command: 'no-such-program {data} {out}' } },
      /program of the training command is not there: got no-such-program/,
    ],
    [
      'a command without the data',
      { training: { command: 'node train.mjs {out}' } },
      /training command does not say \{data\}/,
    ],
    [
      'a command with a file that is not there',
      { training: { command: 'node {data} {out}', files: ['none.mjs'] } },
      /file of the training command cannot be read \(.*none\.mjs\): got no such file/,
    ],
    [
      'a rate that is too small',
      { suites: suiteOf({ rates: [{ value: 0.001, of: 'dataset' }] }) },
      /comes to no sample at all/,
    ],
    [
      'an unknown poison',
      { suites: suiteOf({ use: 'badnet' }) },
      /no poison is called badnet.*did you mean badnets\?/,
    ],
    [
      'an unknown parameter',
      { suites: suiteOf({ params: { sise: 1 } }) },
      /badnets has no parameter sise.*did you mean size\?/,
    ],
    [
      'a class that is not there',
      { suites: suiteOf({ target: 6 }) },
      /wrong class of a poison \(badnets: target\): got 6, expected 0 to 5/,
    ],
  ])('is refused for %s; nothing is written', async (_what, change, message) => {
    const name = 'refused.json'
    writePoisonConfig(folder, { store: 'refused/results.db', ...change }, name)
    const { code, stderr } = await runCli(['run', '-c', name], folder)
    expect(stderr).toMatch(message)
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(code).toBe(2)
    expect(existsSync(join(folder, 'refused'))).toBe(false)
  })
})

function suiteOf(change: object): unknown[] {
  const rates = [{ value: 0.1, of: 'dataset' }]
  return [{ id: 'one', title: 'One', poisons: [{ use: 'badnets', trials: 2, rates, ...change }] }]
}

const hasNumpy = (): boolean => {
  try {
    execFileSync('python3', ['-c', 'import numpy'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

describe('a training command', () => {
  const examples = join(import.meta.dirname, '../examples')
  const place = async (example: string): Promise<string> => {
    const own = join(folder, example)
    mkdirSync(own)
    for (const name of readdirSync(join(examples, example)))
      copyFileSync(join(examples, example, name), join(own, name))
    writeFileSync(join(own, 'v1.onnx'), await linearModel())
    return own
  }
  if (!hasNumpy()) console.log('skipped: the training in Python; no python3 with numpy')
  const cases = ['own-training-node', ...(hasNumpy() ? ['own-training-python'] : [])]

  it.each(cases)('of %s is poisoned as well', async (example) => {
    const own = await place(example)
    const { code, stderr } = await runCli(['run'], own)
    expect(stderr).not.toMatch(/error/)
    expect(code).toBe(0)
    const [cell] = await trialsOfLatest(own)
    expect(cell!.record.training).toMatchObject({ kind: 'command', shell: false })
    expect(cell!.results).toHaveLength(2)
    for (const { arms, fed } of cell!.results) {
      const [clean, poisoned] = arms
      expect(fed).toBeNull()
      // Ten classes.
      expect(share(clean!.cleanAccuracy)).toBeGreaterThan(0.35)
      expect(share(clean!.attackSuccess)).toBeLessThan(0.3)
      expect(share(poisoned!.attackSuccess)).toBeGreaterThan(0.7)
    }
  })

  it('that fails loses its trial, not the run', async () => {
    const name = 'fails.json'
    // Fails where the seed is odd: for some of the trainings.
    writeFileSync(
      join(folder, 'fails.mjs'),
      `import { copyFileSync } from 'node:fs'
const [out, base, seed] = process.argv.slice(2)
console.error('seed ' + seed)
if (seed % 2 === 1) { console.error('odd seed'); process.exit(7) }
copyFileSync(base, out)`,
    )
    const rates = [{ value: 0.1, of: 'dataset' }]
    writePoisonConfig(
      folder,
      {
        store: 'fails.db',
        training: { command: 'node fails.mjs {out} {base} {seed} {data}' },
        suites: [{ id: 'x', title: 'X', poisons: [{ use: 'badnets', trials: 6, rates }] }],
      },
      name,
    )
    const { code } = await runCli(['run', '-c', name], folder)
    expect(code).toBe(3)
    await inStore(
      folder,
      async (store) => {
        const run = await store.getRun('latest')
        expect(run.status).toBe('incomplete')
        const failures = [...(await store.failuresOf(run.id)).values()]
        const [record] = run.manifest['poisonings'] as { keys: string[] }[]
        const results = await store.trialsOf(record!.keys)
        expect(failures.length).toBeGreaterThan(0)
        expect(results.size).toBeGreaterThan(0)
        expect(failures.length + results.size).toBe(6)
        for (const { message } of failures)
          expect(message).toMatch(
            /training command ended with exit code 7 .*last lines: seed \d+ \| odd seed/,
          )
      },
      'fails.db',
    )
  })
})

describe('gauntlet poison', () => {
  const args = ['poison', 'v1.onnx', '--data', 'train.npz', '--test', 'test.npz']
  const quick = [
    '--test-limit',
    '90',
    '--trials',
    '2',
    '--training',
    'epochs=4',
    'learningRate=0.05',
  ]

  it('prints each rate with its arms', async () => {
    const rates = ['--rate', '5%/dataset', '--rate', '0.8/targetClass']
    const { code, stdout, stderr } = await runCli(
      [...args, '--poison', 'badnets', ...rates, ...quick, '--detectors', 'spectral-signatures'],
      folder,
    )
    expect(stderr).toBe('')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^BadNets 0\.1, 5 % of the data set: 2 trials$/m)
    expect(stdout).toMatch(/^BadNets 0\.1, 80 % of the target class: 2 trials$/m)
    for (const arm of ['clean', 'poisoned', 'spectral-signatures', 'random', 'oracle'])
      expect(stdout.match(new RegExp(`^${arm} .*\\d of 2 \\(95 % CI `, 'gm'))).toHaveLength(2)
    expect(readdirSync(folder)).not.toContain('.gauntlet-poison')
  })

  it('gives JSON for machines', async () => {
    const { stdout } = await runCli(
      [...args, '--poison', 'label-flip', '--rate', '40%/dataset', ...quick, '--json'],
      folder,
    )
    const { summaries, trials, failures } = JSON.parse(stdout) as {
      summaries: { poison: string; arms: { arm: string; trials: number }[] }[]
      trials: unknown[]
      failures: unknown[]
    }
    expect(summaries).toHaveLength(1)
    expect(summaries[0]).toMatchObject({ poison: 'label-flip', planned: 2 })
    expect(summaries[0]!.arms.map(({ arm }) => arm)).toEqual([
      'clean',
      'poisoned',
      'random',
      'oracle',
    ])
    expect(trials).toHaveLength(2)
    expect(failures).toEqual([])
  })

  it.each<[string, string[], RegExp]>([
    [
      'a rate alone',
      ['--rate', '5%'],
      /--rate\): got "5%", expected a share and what it is a share of/,
    ],
    ['an unknown whole', ['--rate', '5%/data'], /--rate\): got "5%\/data"/],
    [
      'two trainings',
      ['--rate', '5%/dataset', '--training', 'epochs=1', '--command', 'a {data} {out}'],
      /two ways to train/,
    ],
    [
      'a wrong setting',
      ['--rate', '5%/dataset', '--training', 'epochs=0'],
      /--training epochs\): got 0, expected at least 1/,
    ],
  ])('refuses %s', async (_what, more, message) => {
    const { code, stderr } = await runCli([...args, '--poison', 'badnets', ...more], folder)
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
  })

  it('says what the numbers are worth', async () => {
    const untrained = ['--trials', '2', '--training', 'epochs=1', 'learningRate=0.000001']
    const { code, stdout } = await runCli(
      [...args, '--poison', 'badnets', '--rate', '5%/dataset', ...untrained],
      folder,
    )
    expect(code).toBe(0)
    expect(stdout).toMatch(/^B1 \(BadNets 0\.1, 5 % of the data set\) .*no evidence of an attack/m)
    expect(stdout).toMatch(/^B4 .*learns next to nothing from clean data/m)
    expect(stdout).toMatch(/^B7 /m)
  })

  it("runs a poison of one's own", async () => {
    writeFileSync(
      join(folder, 'own-poison.ts'),
      `export default {
        id: 'all-to-target', version: 1, title: 'Labels to the target', source: 'none', goal: 'misclassification',
        labels: 'changed', from: 'notTarget', needs: [], params: z.object({}), label: () => 'all to target',
        async poison({ eligible, budget, target }: { eligible: Int32Array; budget: number; target: number }) {
          return { samples: [...eligible.slice(0, budget)].map((index) => ({ index, label: target })) }
        },
      }
      import { z } from 'zod'
      `,
    )
    const own = ['--plugin', './own-poison.ts', '--poison', 'all-to-target', '--target', '1']
    const { code, stdout, stderr } = await runCli(
      [...args, ...own, '--rate', '75%/dataset', ...quick, '--json'],
      folder,
    )
    expect(stderr).toBe('')
    expect(code).toBe(0)
    const { trials } = JSON.parse(stdout) as {
      trials: {
        poisons: number
        arms: { attackSuccess: { successes: number; trials: number } }[]
      }[]
    }
    for (const { poisons, arms } of trials) {
      expect(poisons).toBeGreaterThan(100)
      const [clean, poisoned] = arms.map(({ attackSuccess: s }) => s.successes / s.trials)
      expect(poisoned!).toBeGreaterThan(clean! + 0.3)
    }
  })

  it('says when the command fails, with exit code 3', async () => {
    const { code, stderr } = await runCli(
      [
        ...args,
        '--poison',
        'badnets',
        '--rate',
        '10%/dataset',
        '--trials',
        '1',
        '--command',
        `node -e "console.log('no luck'); process.exit(1)" {data} {out}`,
      ],
      folder,
    )
    expect(stderr).toMatch(
      /trial 1: the training command ended with exit code 1 .*last lines: no luck/,
    )
    expect(code).toBe(3)
  })

  it('has an example in its help', async () => {
    expect(
      readFileSync(join(import.meta.dirname, '../../src/cli/commands/poison.ts'), 'utf8'),
    ).toContain('--rate 5%/dataset')
    const { stdout } = await runCli(['poison', '--help'], folder)
    expect(stdout).toContain('gauntlet poison net.onnx --data train.npz')
  })
})
