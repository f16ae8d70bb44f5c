import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCli } from '../../../src/cli/run.js'
import { decodeModel } from '../../../src/onnx/decode.js'
import { encodeModel } from '../../../src/onnx/encode.js'
import { saveModel } from '../../../src/onnx/save.js'
import { doubleGradientError, doubleNoise } from '../../helpers/double-check.js'
import { graphOf, nodeOf } from '../../helpers/graphs.js'
import { memoryIo } from '../../helpers/memory-io.js'
import { classesFeed, noiseOf } from '../../helpers/networks.js'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gauntlet-test-'))
  const net = graphOf({
    inputs: { x: ['batch', 'length', 4] },
    initializers: {
      'conv1.weight': noiseOf([4, 5]),
      'head.weight': noiseOf([5, 6]),
    },
    nodes: [
      nodeOf('MatMul', ['x', 'conv1.weight'], ['h']),
      nodeOf('Tanh', ['h'], ['boxes']),
      nodeOf('GlobalAveragePool', ['boxes'], ['pooled']),
      nodeOf('Mul', ['boxes', 'pooled'], ['scaled']),
      nodeOf('ReduceMax', ['scaled'], ['top'], { axes: [1], keepdims: 0 }),
      nodeOf('MatMul', ['top', 'head.weight'], ['logits']),
    ],
    outputs: ['logits', 'boxes'],
    opset: 13,
  })
  await writeFile(join(folder, 'net.onnx'), encodeModel(net))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function gauntlet(...argv: string[]) {
  const io = memoryIo({ cwd: folder })
  const code = await runCli(argv, io)
  return { code, out: io.stdout(), err: io.stderr() }
}

const exported = (more: string) =>
  gauntlet('export', 'gradient', 'net.onnx', '-o', 'grad.onnx', ...more.split(' '))

const written = () => decodeModel(new Uint8Array(readFileSync(join(folder, 'grad.onnx'))))

describe('gauntlet export gradient', () => {
  it('differentiates with respect to inputs and weights, in double precision', async () => {
    const { code, out } = await exported(
      '--wrt x,conv1.weight --output logits --loss ce --dtype float64 --axis length=3',
    )
    expect(code).toBe(0)
    expect(out).toContain('inputs   x float64 [N, 3, 4], target/logits int64 [N]')
    expect(out).toContain('grad/conv1.weight float64 [4, 5]')
    const feeds = { x: doubleNoise([2, 3, 4], 'x'), 'target/logits': classesFeed([1, 5]) }
    expect(await doubleGradientError(written(), feeds, ['x'])).toBeLessThan(1e-8)
  })

  it('adds up terms over several outputs', async () => {
    const { code, out } = await exported(
      '--wrt x --term logits:margin:-1 --term boxes:l1:0.5 --dtype float64',
    )
    expect(code).toBe(0)
    expect(out).toContain('target/boxes float64 [N, 1, 5]')
    expect(out).toContain('target/logits int64 [N]')
    const feeds = {
      x: doubleNoise([2, 1, 4], 'x'),
      'target/logits': classesFeed([1, 5]),
      'target/boxes': doubleNoise([2, 1, 5], 'boxes'),
    }
    expect(await doubleGradientError(written(), feeds, ['x'])).toBeLessThan(1e-8)
  })

  it('takes the only input and the first output unless told', async () => {
    const { out } = await exported('--loss sum --json')
    expect(JSON.parse(out)).toMatchObject({
      inputs: ['x'],
      outputs: ['logits', 'loss', 'loss/logits', 'grad/x'],
      types: { x: 'float32 [N, 1, 4]', loss: 'float32 []' },
    })
  })

  it.each([
    [['--wrt', 'conv1.wieght'], 'did you mean conv1.weight?'],
    [['--wrt', 'x', '--output', 'logit'], 'did you mean logits?'],
    [['--term', 'logits'], 'OUTPUT:LOSS'],
    [['--term', 'logits:ce:two'], 'OUTPUT:LOSS'],
    [['--term', 'logits:ce', '--output', 'boxes'], 'exclude each other'],
    [['--axis', 'length'], 'NAME=LENGTH'],
    [['--axis', 'width=3'], 'width'],
    [['--loss', 'hinge'], 'bce-logits'],
    [['--dtype', 'float16'], 'float64'],
    [['--wrt', 'head.weight', '--term', 'boxes:sum'], 'no differentiable path'],
  ])('%s: one line, exit 2, nothing written', async (more, message) => {
    const { code, err } = await gauntlet('export', 'gradient', 'net.onnx', '-o', 'no.onnx', ...more)
    expect(code).toBe(2)
    expect(err.trim().split('\n')).toHaveLength(1)
    expect(err).toContain(message)
    expect(existsSync(join(folder, 'no.onnx'))).toBe(false)
  })

  it('does not write over the weights of the model, or a device', async () => {
    await saveModel(
      graphOf({
        inputs: { x: ['N', 32] },
        initializers: { w: noiseOf([32, 32]) },
        nodes: [nodeOf('MatMul', ['x', 'w'], ['y'])],
      }),
      join(folder, 'large.onnx'),
      { externalAbove: 0 },
    )
    const [data] = readdirSync(folder).filter((name) => name.endsWith('.data')) as [string]
    const before = readFileSync(join(folder, data))
    const over = await gauntlet('export', 'gradient', 'large.onnx', '-o', data)
    expect(over.err).toContain('--out would overwrite the weights of the model')
    expect(readFileSync(join(folder, data))).toEqual(before)
    const device = await gauntlet('export', 'gradient', 'large.onnx', '-o', '/dev/null')
    expect(device.err).toContain('no regular file')
    expect([over.code, device.code]).toEqual([2, 2])
  })

  it('knows which options are not an attack’s', async () => {
    const attack = ['export', 'attack', 'net.onnx', '-o', 'no.onnx']
    const stray = await gauntlet(...attack, '--wrt', 'x')
    expect(stray).toMatchObject({ code: 2 })
    expect(stray.err).toContain('an option of gradients only (--wrt)')
    const loss = await gauntlet(...attack, '--loss', 'mse')
    expect(loss).toMatchObject({ code: 2 })
    expect(loss.err).toContain('ce, margin, dlr')
  })

  it('shows an example in its help', async () => {
    const { out } = await gauntlet('export', '--help')
    expect(out).toContain('--wrt')
    expect(out).toContain('x,conv1.weight --output logits --loss ce --dtype')
  })
})
