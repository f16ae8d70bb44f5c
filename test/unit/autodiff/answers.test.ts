import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { answerOf, operatorAnswers } from '../../../src/autodiff/answers.js'
import { operatorVersions } from '../../../src/autodiff/operator-versions.js'
import { refusals } from '../../../src/autodiff/refusals.js'
import { runCli } from '../../../src/cli/run.js'
import { encodeModel } from '../../../src/onnx/encode.js'
import { graphOf, nodeOf } from '../../helpers/graphs.js'
import { memoryIo } from '../../helpers/memory-io.js'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'

const root = join(import.meta.dirname, '../../..')

async function run(...argv: string[]) {
  const io = memoryIo()
  const code = await runCli(argv, io)
  return { code, out: io.stdout(), err: io.stderr() }
}

describe('the answers', () => {
  it('say why each refused operator is refused, and refuse no other', () => {
    const refused = operatorAnswers().filter(({ answer }) => answer === 'refused')
    expect(refused.filter(({ note }) => note === 'no rule')).toEqual([])
    const stale = Object.keys(refusals).filter((op) => answerOf(op).answer !== 'refused')
    expect(stale).toEqual([])
  })

  it('cover ai.onnx', () => {
    const known = new Set(operatorAnswers().map(({ operator }) => operator))
    expect(Object.keys(operatorVersions).filter((op) => !known.has(op))).toEqual([])
  })

  it('name the opsets from 7 on', () => {
    expect(answerOf('Relu')).toEqual({
      operator: 'Relu',
      answer: 'rule',
      opsets: [7, 13, 14],
      note: '',
    })
    expect(answerOf('Upsample')).toMatchObject({ answer: 'rule', note: 'as Resize' })
    expect(answerOf('nowhere:Op')).toMatchObject({ answer: 'refused', opsets: [] })
  })
})

describe('gauntlet ops', () => {
  it('lists every operator and counts the answers', async () => {
    const { code, out } = await run('ops')
    expect(code).toBe(0)
    expect(out).toMatch(/^Conv +rule +7, 11, 22$/m)
    expect(out).toMatch(/^com\.microsoft:FusedConv +lowered/m)
    expect(out).toMatch(/\d+ operators: \d+ rule, \d+ lowered, /)
    const rows: unknown = JSON.parse((await run('ops', '--json')).out)
    expect(rows).toEqual(operatorAnswers())
  })

  it('lists those without a gradient', async () => {
    const rows = JSON.parse((await run('ops', '--refused', '--json')).out) as { answer: string }[]
    expect(new Set(rows.map(({ answer }) => answer))).toEqual(new Set(['refused']))
  })

  it('lists those of a file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gauntlet-test-'))
    try {
      const path = join(folder, 'net.onnx')
      const nodes = [
        nodeOf('Relu', ['x'], ['a']),
        nodeOf('Relu', ['a'], ['b']),
        nodeOf('Unique', ['b'], ['y']),
      ]
      await writeFile(path, encodeModel(graphOf({ inputs: { x: ['N', 3] }, nodes })))
      const { out } = await run('ops', '--model', path)
      expect(out).toMatch(/^Relu +2 +rule/m)
      expect(out).toMatch(/^Unique +1 +refused/m)
      expect(out).toMatch(/^in the way, .*: Unique \(1\)$/m)
      const free = graphOf({ inputs: { x: ['N', 3] }, nodes: [nodeOf('Relu', ['x'], ['y'])] })
      await writeFile(path, encodeModel(free))
      expect((await run('ops', '--model', path)).out).toMatch(/^no operator stands in the way/m)
      expect((await run('ops', '--model', join(folder, 'none.onnx'))).code).toBe(2)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })

  it('wrote src/autodiff/OPERATORS.md', async () => {
    const { out } = await run('ops', '--markdown')
    const page = readFileSync(join(root, 'src/autodiff/OPERATORS.md'), 'utf8')
    const hint = 'run: npx gauntlet ops --markdown > src/autodiff/OPERATORS.md'
    expect(page, hint).toBe(out)
  })
})
