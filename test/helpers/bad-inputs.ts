import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { drawGlyphs } from '../../src/data/glyphs.js'
import { writeNpz, type NpyArray } from '../../src/data/npz-write.js'
import type { ErrorCode } from '../../src/errors.js'
import { linearModel, peculiarModels } from './tiny-models.js'

/** One mistake: a command line, run in a folder with `files`, beside a folder of inputs. */
export interface BadInput {
  readonly args: readonly string[]
  readonly files?: Readonly<Record<string, string>>
  readonly code: ErrorCode
  /** What the message must name: the file, the key, the option. */
  readonly says: RegExp
}

const count = 12
const pixels = 28 * 28

/** The folder `../inputs` of every case: a good model, good data, and all the broken ones. */
export async function writeInputs(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true })
  const write = (name: string, bytes: Uint8Array | string): void =>
    writeFileSync(join(folder, name), bytes)
  const model = await linearModel({ training: 120 })
  write('good.onnx', model)
  write('truncated.onnx', model.subarray(0, model.length >> 1))
  write('corrupted.onnx', scramble(model))
  write('empty.onnx', '')
  write('picture.onnx', onePixelPng)
  write('archive.onnx', writeNpz(samples()))
  mkdirSync(join(folder, 'folder.onnx'))
  mkdirSync(join(folder, 'folder.npz'))
  for (const [name, make] of Object.entries(peculiarModels)) write(`${name}.onnx`, make())

  const data = writeNpz(samples())
  write('good.npz', data)
  write('truncated.npz', data.subarray(0, data.length >> 1))
  write('corrupted.npz', scramble(data))
  write('model.npz', model)
  write('empty.npz', '')
  write('no-labels.npz', writeNpz({ x: samples().x }))
  write('label-12.npz', writeNpz(samples({ label: 12 })))
  write('negative.npz', writeNpz(samples({ label: -1 })))
  write('nan.npz', writeNpz(samples({ pixel: Number.NaN })))
  write('outside.npz', writeNpz(samples({ pixel: 1.5 })))
  write('pixels.npz', writeNpz(samples({ scale: 255 })))
  write('fewer-labels.npz', writeNpz({ ...samples(), y: { shape: [5], data: new Int32Array(5) } }))
  write('small.npz', writeNpz(shaped([count, 1, 14, 14])))
  write('colour.npz', writeNpz(shaped([count, 3, 28, 28])))
  write('text.db', 'these are notes, and not a database of any kind\n'.repeat(40))
}

interface Change {
  readonly label?: number
  readonly pixel?: number
  readonly scale?: number
}

function samples({ label, pixel, scale = 1 }: Change = {}): { x: NpyArray; y: NpyArray } {
  const { values, labels } = drawGlyphs({ count, seed: 1 })
  const data = Float32Array.from(values, (value) => (value / 255) * scale)
  if (pixel !== undefined) data[5 * pixels + 300] = pixel
  if (label !== undefined) labels[5] = label
  return { x: { shape: [count, 1, 28, 28], data }, y: { shape: [count], data: labels } }
}

function shaped(shape: readonly number[]): { x: NpyArray; y: NpyArray } {
  const size = shape.reduce((a, b) => a * b, 1)
  const data = Float32Array.from({ length: size }, (_, i) => (i % 97) / 97)
  return {
    x: { shape, data },
    y: { shape: [count], data: Int32Array.from({ length: count }, (_, i) => i % 10) },
  }
}

/** Every 13th byte of the second half turned over. */
function scramble(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte, i) => (i > bytes.length / 2 && i % 13 === 0 ? byte ^ 0xff : byte))
}

const onePixelPng = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
)

const good = '../inputs/good.onnx'
const goodData = '../inputs/good.npz'

function withModel(name: string, code: ErrorCode, says: RegExp, ...more: string[]): BadInput {
  return { args: ['attack', `../inputs/${name}`, '--data', goodData, ...more], code, says }
}

function withData(name: string, code: ErrorCode, says: RegExp, ...more: string[]): BadInput {
  return { args: ['attack', good, '--data', `../inputs/${name}`, ...more], code, says }
}

function withOption(code: ErrorCode, says: RegExp, ...more: string[]): BadInput {
  return { args: ['attack', good, '--data', goodData, ...more], code, says }
}

export const badCommandLines: Readonly<Record<string, BadInput>> = {
  'truncated model': withModel('truncated.onnx', 'GNT_MODEL_FORMAT', /truncated\.onnx/),
  'picture for a model': withModel('picture.onnx', 'GNT_MODEL_FORMAT', /picture\.onnx/),
  'npz for a model': withModel('archive.onnx', 'GNT_MODEL_FORMAT', /archive\.onnx/),
  'corrupted model': withModel('corrupted.onnx', 'GNT_MODEL_FORMAT', /corrupted\.onnx/),
  'empty model': withModel('empty.onnx', 'GNT_MODEL_FORMAT', /empty\.onnx/),
  'folder for a model': withModel('folder.onnx', 'GNT_FILE', /folder\.onnx/),
  'missing model': withModel('none.onnx', 'GNT_FILE', /none\.onnx.*check the path/),
  'output is a picture': withModel(
    'picture-output.onnx',
    'GNT_MODEL_UNSUPPORTED',
    /picture-output\.onnx.*--output/,
  ),
  'output of no such name': withOption(
    'GNT_MODEL_UNSUPPORTED',
    /no output scores/,
    '--output',
    'scores',
  ),
  'two inputs': withModel('two-inputs.onnx', 'GNT_MODEL_UNSUPPORTED', /two-inputs\.onnx.*--input/),
  'two inputs, no constant': withModel(
    'two-inputs.onnx',
    'GNT_MODEL_UNSUPPORTED',
    /two-inputs\.onnx.*offset.*constants/,
    '--input',
    'image',
  ),
  'external data outside': withModel('escaping-data.onnx', 'GNT_MODEL_FORMAT', /secret\.data/),
  'operator without gradient': withModel(
    'no-gradient.onnx',
    'GNT_GRAD_NO_RULE',
    /no-gradient\.onnx.*Det|Det.*no-gradient\.onnx/,
  ),
  'dlr on two classes': withModel(
    'two-classes.onnx',
    'GNT_ATTACK_NEEDS',
    /dlr.*3 classes/,
    '--loss',
    'dlr',
    '--limit',
    '1',
  ),
  'label outside the model': withModel(
    'two-classes.onnx',
    'GNT_DATA_VALUES',
    /label.*two-classes\.onnx/,
  ),

  'truncated npz': withData('truncated.npz', 'GNT_DATA_FORMAT', /truncated\.npz/),
  'corrupted npz': withData('corrupted.npz', 'GNT_DATA_FORMAT', /corrupted\.npz/),
  'model for an npz': withData('model.npz', 'GNT_DATA_FORMAT', /model\.npz/),
  'empty npz': withData('empty.npz', 'GNT_DATA_FORMAT', /empty\.npz/),
  'missing data': withData('none.npz', 'GNT_FILE', /none\.npz/),
  'no labels': withData('no-labels.npz', 'GNT_DATA_FORMAT', /no-labels\.npz/),
  'fewer labels than samples': withData('fewer-labels.npz', 'GNT_DATA_SHAPE', /fewer-labels\.npz/),
  'label outside the classes': withData(
    'label-12.npz',
    'GNT_DATA_VALUES',
    /label-12\.npz.*12.*0 to 9/,
  ),
  'negative label': withData('negative.npz', 'GNT_DATA_VALUES', /negative\.npz, sample 5.*-1/),
  'NaN pixel': withData('nan.npz', 'GNT_DATA_VALUES', /nan\.npz, sample 5/),
  'value outside the default range': withData(
    'outside.npz',
    'GNT_DATA_VALUES',
    /outside\.npz, sample 5.*--range/,
  ),
  'value outside --range': withData(
    'good.npz',
    'GNT_DATA_VALUES',
    /good\.npz.*0\.\.0\.5/,
    '--range',
    '0..0.5',
  ),
  'pixels without --range': withData(
    'pixels.npz',
    'GNT_DATA_VALUES',
    /pixels\.npz.*--range 0\.\.255/,
  ),
  'fractions with --range 0..255': withData(
    'good.npz',
    'GNT_DATA_VALUES',
    /good\.npz.*0\.\.1/,
    '--range',
    '0..255',
  ),
  'wrong shape': withData('small.npz', 'GNT_DATA_SHAPE', /good\.onnx.*14, 14/),
  'wrong number of channels': withData('colour.npz', 'GNT_DATA_SHAPE', /good\.onnx.*3, 28, 28/),
  'wrong --layout': {
    args: ['attack', '../inputs/colour.onnx', '--data', '../inputs/colour.npz', '--layout', 'nhwc'],
    code: 'GNT_DATA_SHAPE',
    says: /colour\.onnx.*--layout/,
  },
  'mean of the wrong length': withOption('GNT_DATA_SHAPE', /mean.*3/, '--mean', '.1,.2,.3'),
  'std of 0': withOption('GNT_USAGE', /--std.*0/, '--std', '0'),

  'unknown attack': withOption('GNT_ATTACK_UNKNOWN', /did you mean pgd\?/, '--attack', 'pdg'),
  'unknown parameter': withOption(
    'GNT_ATTACK_PARAMS',
    /stepz.*did you mean steps\?/,
    '--param',
    'stepz=3',
  ),
  'parameter of another attack': withOption(
    'GNT_ATTACK_PARAMS',
    /fgsm.*steps/,
    '--attack',
    'fgsm',
    '--steps',
    '3',
  ),
  'parameter of the wrong type': withOption(
    'GNT_ATTACK_PARAMS',
    /steps.*"many"/,
    '--param',
    'steps=many',
  ),
  'parameter without a value': withOption('GNT_USAGE', /--param.*name=value/, '--param', 'steps'),
  'unknown loss': withOption('GNT_ATTACK_PARAMS', /loss.*"hinge".*ce/, '--loss', 'hinge'),
  'unknown target': withOption('GNT_USAGE', /--target.*"nearest"/, '--target', 'nearest'),
  'target class beyond the model': withOption(
    'GNT_ATTACK_NEEDS',
    /target.*99.*0 to 9/,
    '--target',
    '99',
  ),
  'eps of letters': withOption('GNT_USAGE', /--eps.*"abc"/, '--eps', 'abc'),
  'eps of 0': withOption('GNT_USAGE', /--eps.*"0"/, '--eps', '0'),
  'eps below 0': withOption('GNT_USAGE', /--eps.*-1/, '--eps=-1'),
  'eps below 0, as a word of its own': withOption('GNT_USAGE', /eps/, '--eps', '-1'),
  'eps of 8 on [0, 1]': withOption('GNT_CONFIG', /epsilon.*8\/255\?/, '--eps', '8'),
  'no eps in L2': withOption('GNT_USAGE', /--eps/, '--norm', 'l2'),
  'unknown norm': withOption('GNT_USAGE', /--norm.*linf/, '--norm', 'l3'),
  'steps of 0': withOption('GNT_USAGE', /--steps.*0/, '--steps', '0'),
  'restarts of letters': withOption('GNT_USAGE', /--restarts.*"x"/, '--restarts', 'x'),
  'workers of 0': withOption('GNT_USAGE', /--workers.*0/, '--workers', '0'),
  'limit of 0': withOption('GNT_USAGE', /--limit.*0/, '--limit', '0'),
  'seed below 0': withOption('GNT_USAGE', /--seed.*-1/, '--seed=-1'),
  'range the wrong way round': withOption('GNT_USAGE', /--range.*LOW\.\.HIGH/, '--range', '1..0'),
  'unknown option': withOption('GNT_USAGE', /--epz.*--eps\?/, '--epz', '8/255'),
  'option without a value': withOption('GNT_USAGE', /--eps/, '--eps'),
  'step size below 0': withOption('GNT_USAGE', /wrong value \(--step-size\)/, '--step-size=-1'),
  'epsilon beyond the data': withOption('GNT_CONFIG', /\(--eps\): got 5.*5\/255/, '--eps', '5'),
  'features that are missing': withOption(
    'GNT_FILE',
    /no such features file \(none\.yaml\); check the path of --features/,
    '--features',
    'none.yaml',
  ),
  'features that are no file of their kind': withOption(
    'GNT_CONFIG',
    /not a features file \(good\.npz\)/,
    '--features',
    goodData,
  ),
  'plugin file that is missing': withOption(
    'GNT_CONFIG',
    /no such plugin file \(none\.ts\); check the path/,
    '--plugin',
    'none.ts',
  ),
  'norm of another attack, before epsilon': withOption(
    'GNT_ATTACK_NEEDS',
    /cw cannot work in this norm: got L1/,
    '--attack',
    'cw',
    '--norm',
    'l1',
  ),
  'surrogate of other samples': withOption(
    'GNT_DATA_SHAPE',
    /the surrogate takes samples of another shape.*small-pictures\.onnx.*choose a surrogate/,
    '--surrogate',
    '../inputs/small-pictures.onnx',
  ),
  'rounding that leaves no example': withOption(
    'GNT_CONFIG',
    /nothing but the clean samples.*\(quantize\)/,
    '--quantize',
    '1',
    '--eps',
    '1/510',
  ),
  '--save into a missing folder': withOption('GNT_FILE', /nowhere/, '--save', 'nowhere/adv.npz'),
  '--save onto a folder': withOption('GNT_FILE', /folder\.npz/, '--save', '../inputs/folder.npz'),
  '--save below a file': withOption('GNT_FILE', /good\.npz/, '--save', `${goodData}/adv.npz`),
  '--save without .npz': withOption('GNT_USAGE', /--save.*adv\.txt.*\.npz/, '--save', 'adv.txt'),
  '--save onto the data': withOption('GNT_USAGE', /--save.*good\.npz/, '--save', goodData),
  'no --data': { args: ['attack', good], code: 'GNT_USAGE', says: /--data/ },
  'no model': { args: ['attack', '--data', goodData], code: 'GNT_USAGE', says: /MODEL/ },
  'unknown command': { args: ['atack', good], code: 'GNT_USAGE', says: /did you mean attack\?/ },

  'export: output below a file': {
    args: ['export', 'gradient', good, '-o', `${good}/grad.onnx`],
    code: 'GNT_FILE',
    says: /grad\.onnx/,
  },
  'export: output onto the model': {
    args: ['export', 'gradient', good, '-o', good],
    code: 'GNT_USAGE',
    says: /--out.*good\.onnx/,
  },
  'export: into a missing folder': {
    args: ['export', 'gradient', good, '-o', 'nowhere/grad.onnx'],
    code: 'GNT_FILE',
    says: /nowhere/,
  },
  'export: operator without gradient': {
    args: ['export', 'gradient', '../inputs/no-gradient.onnx', '-o', 'grad.onnx'],
    code: 'GNT_GRAD_NO_RULE',
    says: /no-gradient\.onnx.*Det|Det.*no-gradient\.onnx/,
  },
  'export: something else': {
    args: ['export', 'weights', good, '-o', 'w.onnx'],
    code: 'GNT_USAGE',
    says: /gradient/,
  },
}

interface ConfigChange {
  readonly models?: unknown
  readonly data?: unknown
  readonly [key: string]: unknown
}

/** A good configuration but for `change`. */
export function configText(change: ConfigChange = {}): string {
  const models = [
    { version: 'v1', path: good },
    { version: 'v2', path: good, mean: [0.1] },
  ]
  const suite = {
    id: 'one',
    title: 'One',
    attacks: [{ use: 'fgsm' }],
    threats: [{ norm: 'linf', epsilon: ['4/255'] }],
  }
  return JSON.stringify({ data: goodData, models, suites: [suite], ...change })
}

function withConfig(
  change: ConfigChange,
  code: ErrorCode,
  says: RegExp,
  command = 'run',
): BadInput {
  return { args: [command], files: { 'gauntlet.config.json': configText(change) }, code, says }
}

const suiteOf = (attack: unknown, epsilon: unknown = ['4/255']) => ({
  suites: [{ id: 'one', title: 'One', attacks: [attack], threats: [{ norm: 'linf', epsilon }] }],
})

const floor = { id: 'f', kind: 'floor', metric: 'robustAccuracy', min: 0.1 }

export const badConfigs: Readonly<Record<string, BadInput>> = {
  'no configuration': { args: ['run'], code: 'GNT_FILE', says: /gauntlet init/ },
  'configuration of no such name': {
    args: ['run', '-c', 'none.yaml'],
    code: 'GNT_FILE',
    says: /none\.yaml/,
  },
  'two configurations': {
    args: ['run'],
    files: { 'gauntlet.config.json': configText(), 'gauntlet.config.yaml': configText() },
    code: 'GNT_CONFIG',
    says: /--config/,
  },
  'unknown key': withConfig(
    { sede: 3 },
    'GNT_CONFIG',
    /gauntlet\.config\.json: sede.*did you mean seed\?/,
  ),
  'unknown key of a model': withConfig(
    { models: [{ version: 'v1', path: good, maen: [0.1] }] },
    'GNT_CONFIG',
    /models\[0\]\.maen.*did you mean mean\?/,
  ),
  'key of the wrong type': withConfig({ batch: 'large' }, 'GNT_CONFIG', /batch.*"large"/),
  'no models': withConfig({ models: [] }, 'GNT_CONFIG', /models/),
  'duplicate versions': withConfig(
    {
      models: [
        { version: 'v1', path: good },
        { version: 'v1', path: good },
      ],
    },
    'GNT_CONFIG',
    /models\[1\]\.version/,
  ),
  'model file missing': withConfig(
    { models: [{ version: 'v1', path: '../inputs/none.onnx' }] },
    'GNT_FILE',
    /none\.onnx/,
  ),
  'model truncated': withConfig(
    { models: [{ version: 'v1', path: '../inputs/truncated.onnx' }] },
    'GNT_MODEL_FORMAT',
    /truncated\.onnx/,
  ),
  'data truncated': withConfig(
    { data: '../inputs/truncated.npz' },
    'GNT_DATA_FORMAT',
    /truncated\.npz/,
  ),
  'data of another shape': withConfig(
    { data: '../inputs/small.npz' },
    'GNT_DATA_SHAPE',
    /good\.onnx.*14, 14/,
  ),
  'second model without a gradient': withConfig(
    {
      models: [
        { version: 'v1', path: good },
        { version: 'v2', path: '../inputs/no-gradient.onnx' },
      ],
    },
    'GNT_GRAD_NO_RULE',
    /no-gradient\.onnx/,
  ),
  'std of 0 in a model': withConfig(
    { models: [{ version: 'v1', path: good, std: [0] }] },
    'GNT_CONFIG',
    /models\[0\]\.std\[0\]/,
  ),
  'workers of 0 in the configuration': withConfig({ workers: 0 }, 'GNT_CONFIG', /workers/),
  'unknown suite': withConfig(
    { suites: ['quik'] },
    'GNT_SUITE_UNKNOWN',
    /quik.*did you mean quick\?/,
  ),
  'unknown attack in a suite': withConfig(
    suiteOf({ use: 'pdg' }),
    'GNT_ATTACK_UNKNOWN',
    /pdg.*pgd/,
  ),
  'unknown parameter in a suite': withConfig(
    suiteOf({ use: 'pgd', params: { step: 3 } }),
    'GNT_ATTACK_PARAMS',
    /step.*did you mean steps\?/,
  ),
  'epsilon of 8 in a suite': withConfig(suiteOf({ use: 'pgd' }, [8]), 'GNT_CONFIG', /8\/255\?/),
  'epsilon of letters in a suite': withConfig(
    suiteOf({ use: 'pgd' }, ['big']),
    'GNT_CONFIG',
    /epsilon/,
  ),
  'unknown gate rule': withConfig(
    { gate: { rules: [{ ...floor, kind: 'flor' }] } },
    'GNT_CONFIG',
    /gate\.rules\[0\]\.kind/,
  ),
  'gate rule out of bounds': withConfig(
    { gate: { rules: [{ ...floor, min: 2 }] } },
    'GNT_CONFIG',
    /gate\.rules\[0\]\.min/,
  ),
  'gate against an unknown version': withConfig(
    { gate: { baseline: 'v9', rules: [floor] } },
    'GNT_CONFIG',
    /gate\.baseline.*v9/,
  ),
  'gate command without a gate': withConfig(
    {},
    'GNT_CONFIG',
    /gauntlet\.config\.json.*gate/,
    'gate',
  ),
  'device that is not there': withConfig(
    { devices: ['cuda'] },
    'GNT_MODEL_RUN',
    /device cuda.*gauntlet doctor/,
  ),
  'broken yaml': {
    args: ['run'],
    files: { 'gauntlet.config.yaml': 'models:\n  - version: [v1\n data: x\n' },
    code: 'GNT_CONFIG',
    says: /gauntlet\.config\.yaml/,
  },
  'broken json': {
    args: ['run'],
    files: { 'gauntlet.config.json': '{ "data": "x", ' },
    code: 'GNT_CONFIG',
    says: /gauntlet\.config\.json/,
  },
  'ts configuration that throws': {
    args: ['run'],
    files: { 'gauntlet.config.ts': "throw new Error('no token in the environment')\n" },
    code: 'GNT_CONFIG',
    says: /gauntlet\.config\.ts.*no token/,
  },
  'ts configuration that does not parse': {
    args: ['run'],
    files: { 'gauntlet.config.ts': 'export default {{{\n' },
    code: 'GNT_CONFIG',
    says: /gauntlet\.config\.ts/,
  },
  'plugin that is missing': withConfig({ plugins: ['./none.ts'] }, 'GNT_CONFIG', /none\.ts/),
  'store below a file': withConfig(
    { store: `${goodData}/results.db` },
    'GNT_STORE',
    /good\.npz\/results\.db/,
  ),
  'store that is a folder': withConfig({ store: '../inputs' }, 'GNT_STORE', /inputs/),
  'store that is not SQLite': withConfig({ store: '../inputs/text.db' }, 'GNT_STORE', /text\.db/),
  'report folder that is a file': withConfig(
    { report: { folder: goodData } },
    'GNT_FILE',
    /good\.npz/,
  ),
  'report folder below a file': withConfig(
    { report: { folder: `${goodData}/report` } },
    'GNT_FILE',
    /good\.npz/,
  ),

  'compare without a store': {
    args: ['compare', 'v1', 'v2'],
    code: 'GNT_STORE_NOT_FOUND',
    says: /results\.db/,
  },
  'report without a store': { args: ['report'], code: 'GNT_STORE_NOT_FOUND', says: /results\.db/ },
  'report of a store that is not SQLite': {
    args: ['report', '--store', '../inputs/text.db'],
    code: 'GNT_STORE',
    says: /text\.db/,
  },
  'report in an unknown format': {
    args: ['report', '--format', 'pdf'],
    code: 'GNT_USAGE',
    says: /--format.*html/,
  },
  'compare with one name': { args: ['compare', 'v1'], code: 'GNT_USAGE', says: /CANDIDATE/ },
}
