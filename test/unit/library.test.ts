import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { decodeModel } from '../../src/onnx/decode.js'
import { encodeModel } from '../../src/onnx/encode.js'
import { graphOf, nodeOf } from '../helpers/graphs.js'
import { noiseOf } from '../helpers/networks.js'

const root = join(import.meta.dirname, '../..')
let folder = ''
beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), 'gauntlet-test-'))))
afterAll(() => rm(folder, { recursive: true, force: true }))

it('does what the README’s lines about the library say', async () => {
  const net = graphOf({
    inputs: { x: ['N', 3] },
    initializers: { 'conv1.weight': noiseOf([3, 4]) },
    nodes: [nodeOf('MatMul', ['x', 'conv1.weight'], ['logits'])],
    outputs: ['logits'],
  })
  await writeFile(join(folder, 'net.onnx'), encodeModel(net))
  const readme = await readFile(join(root, 'README.md'), 'utf8')
  const [, code = ''] = /```js\n(import \{ compileGradient[^]*?)```/.exec(readme) ?? []
  const library = pathToFileURL(join(root, 'src/index.ts')).href
  const local = code
    .replace(`'gauntlet'`, JSON.stringify(library))
    .replaceAll(/'(\w+\.onnx)'/g, (_, name: string) => JSON.stringify(join(folder, name)))
  await writeFile(join(folder, 'lines.mjs'), local)
  await import(join(folder, 'lines.mjs'))
  const gradient = decodeModel(new Uint8Array(await readFile(join(folder, 'grad.onnx'))))
  expect(gradient.inputs.map(({ name }) => name)).toEqual(['x', 'target/logits'])
  const outputs = ['logits', 'loss', 'loss/logits', 'grad/x', 'grad/conv1.weight']
  expect(gradient.outputs.map(({ name }) => name)).toEqual(outputs)
})
