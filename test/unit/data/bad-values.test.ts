import { tmpdir } from 'node:os'
import { writeNpz } from '../../../src/data/npz-write.js'
import { ramp } from './build.js'
import type { Refusal } from './refusals.js'
import { describeRefusals } from './refusals.js'

const x = { shape: [3, 2, 2], data: ramp(12) }
const y = { shape: [3], data: new Int32Array([0, 1, 2]) }
const good = writeNpz({ x, y })
const zeros = (count: number) => new Uint8Array(count)
const npz = (entries: Parameters<typeof writeNpz>[0]) => writeNpz({ x, y, ...entries })

const valueCases: readonly Refusal[] = [
  {
    label: 'NaN',
    file: 'a.npz',
    bytes: npz({ x: { shape: [3, 1], data: new Float32Array([0, NaN, 1]) } }),
    says: /not a finite number.*sample 1\): got NaN/,
  },
  {
    label: 'Infinity',
    file: 'a.npz',
    bytes: npz({ x: { shape: [3, 1], data: new Float32Array([0, 0, -Infinity]) } }),
    says: /sample 2\): got -Infinity/,
  },
  {
    label: 'float pixels',
    file: 'a.npz',
    bytes: npz({ x: { shape: [3, 1], data: new Float32Array([0, 254.5, 255]) } }),
    says: /sample 1\): got 254\.5.*expected 0\.\.1.*pass --range 0\.\.255/,
  },
  {
    label: 'normalised values',
    file: 'a.npz',
    bytes: npz({ x: { shape: [3, 1], data: new Float32Array([0, 0.1, -1.9]) } }),
    says: /sample 2\): got -1\.9.*pass --range -2\.\.1/,
  },
  {
    label: 'above the declared range',
    file: 'a.npz',
    bytes: npz({ x: { shape: [3, 1], data: new Uint8Array([0, 16, 17]) } }),
    spec: { range: [0, 16] },
    says: /sample 2\): got 17.*expected 0\.\.16;/,
  },
  {
    label: 'fractions declared as pixels',
    file: 'a.npz',
    bytes: npz({ x: { shape: [3, 1], data: new Float32Array([0, 0.5, 1]) } }),
    spec: { range: [0, 255] },
    says: /do not look like 8-bit pixels.*--range 0\.\.1/,
  },
  {
    label: 'int64 beyond float32',
    file: 'a.npz',
    bytes: npz({ x: { shape: [3, 1], data: new Int32Array([0, 1, 300]) } }),
    says: /got 300.*--range 0\.\.300/,
  },
  {
    label: 'negative label',
    file: 'a.npz',
    bytes: npz({ y: { shape: [3], data: new Int32Array([0, -1, 1]) } }),
    says: /label outside.*sample 1\): got -1/,
  },
  {
    label: 'label outside the classes',
    file: 'a.npz',
    bytes: npz({}),
    spec: { classes: 2 },
    says: /sample 2\): got 2, expected an integer 0\.\.1; subtract 1/,
  },
  {
    label: 'fractional label',
    file: 'a.npz',
    bytes: npz({ y: { shape: [3], data: new Float32Array([0, 0.5, 1]) } }),
    says: /not a class index.*got 0\.5/,
  },
  {
    label: 'huge label',
    file: 'a.npz',
    bytes: npz({ y: { shape: [3], data: new BigInt64Array([0n, 2n ** 62n, 1n]) } }),
    says: /label outside the classes/,
  },
  {
    label: 'soft labels',
    file: 'a.npz',
    bytes: npz({ y: { shape: [3, 2], data: new Float32Array([1, 0, 0.5, 0.5, 0, 1]) } }),
    says: /sample 1\): got \[0\.5, 0\.5\]/,
  },
  {
    label: 'two-hot labels',
    file: 'a.npz',
    bytes: npz({ y: { shape: [3, 2], data: new Uint8Array([1, 0, 1, 1, 0, 1]) } }),
    says: /neither class indices nor one-hot/,
  },
  {
    label: 'CIFAR label of 10',
    file: 'data_batch_1.bin',
    bytes: Buffer.concat([Buffer.from([10]), ramp(3072)]),
    says: /got 10, expected an integer 0\.\.9/,
  },
  {
    label: 'word in a csv',
    file: 'a.csv',
    bytes: 'a,b,y\n1,2,0\n1,two,1\n',
    says: /sample 1, column b\): got "two"/,
  },
  {
    label: 'empty cell in a csv',
    file: 'a.csv',
    bytes: 'a,y,b\n1,0,\n',
    says: /empty cell .*sample 0, column b/,
  },
  { label: 'NaN in a csv', file: 'a.csv', bytes: 'a,b,y\n1,nan,0\n', says: /not a finite number/ },
  {
    label: 'mixed labels in a csv',
    file: 'a.csv',
    bytes: 'a,y\n1,0\n2,cat\n',
    says: /sample 1, label\): got "cat"/,
  },
  {
    label: 'constant csv',
    file: 'a.csv',
    bytes: 'a,y\n1,0\n1,1\n',
    says: /all values are the same/,
  },
]

const shapeCases: readonly Refusal[] = [
  {
    label: 'fewer labels than samples',
    file: 'a.npz',
    bytes: npz({ y: { shape: [2], data: new Int32Array(2) } }),
    says: /labels of shape \(2\) for 3 samples/,
  },
  {
    label: 'labels of three axes',
    file: 'a.npz',
    bytes: npz({ y: { shape: [3, 1, 1], data: new Int32Array(3) } }),
    says: /labels of shape \(3, 1, 1\)/,
  },
  {
    label: 'no samples',
    file: 'a.npz',
    bytes: npz({ x: { shape: [0, 2], data: zeros(0) }, y: { shape: [0], data: zeros(0) } }),
    says: /data set is empty/,
  },
  { label: 'csv of a header only', file: 'a.csv', bytes: 'a,b,y\n', says: /data set is empty/ },
  {
    label: 'samples without features',
    file: 'a.npz',
    bytes: npz({ x: { shape: [3, 0], data: zeros(0) } }),
    says: /not an array of samples.*\(3, 0\)/,
  },
  {
    label: 'one axis',
    file: 'a.npz',
    bytes: npz({ x: { shape: [3], data: zeros(3) } }),
    says: /not an array of samples/,
  },
  {
    label: 'a single number',
    file: 'a.npz',
    bytes: npz({ x: { shape: [], data: zeros(1) } }),
    says: /data set is empty|not an array/,
  },
  {
    label: 'channels at either end',
    file: 'a.npz',
    bytes: npz({ x: { shape: [3, 3, 5, 3], data: zeros(135) } }),
    says: /which axis holds the channels.*\(3, 3, 5, 3\)/,
  },
]

const usageCases: readonly Refusal[] = [
  { label: 'limit of 0', file: 'a.npz', bytes: good, spec: { limit: 0 }, says: /wrong limit/ },
  {
    label: 'one class',
    file: 'a.npz',
    bytes: good,
    spec: { classes: 1 },
    says: /wrong number of classes/,
  },
  {
    label: 'range upside down',
    file: 'a.npz',
    bytes: good,
    spec: { range: [1, 0] },
    says: /wrong range.*got 1\.\.0/,
  },
  {
    label: 'labels for a csv',
    file: 'a.csv',
    bytes: 'a,y\n1,0\n',
    spec: { labels: 'y.npy' },
    says: /expected one only for npz, npy and idx/,
  },
  {
    label: 'a billion glyphs',
    file: 'glyphs',
    bytes: '',
    spec: { path: 'glyphs', limit: 1e9 },
    says: /too many synthetic samples/,
  },
]

const fileCases: readonly Refusal[] = [
  {
    label: 'missing file',
    file: 'a.npz',
    bytes: good,
    spec: { path: '/nowhere/a.npz' },
    says: /no such file or folder \(\/nowhere\/a\.npz\)/,
  },
  {
    label: 'missing label file',
    file: 'a.npz',
    bytes: good,
    spec: { labels: '/nowhere/y.npy' },
    says: /no such file/,
  },
  {
    label: 'folder instead of a file',
    file: 'a.npz',
    bytes: good,
    spec: { path: tmpdir(), format: 'npz' },
    says: /a folder where a file is expected/,
  },
  {
    label: 'file instead of a folder',
    file: 'a.npz',
    bytes: good,
    spec: { format: 'image-folder' },
    says: /a file where a folder is expected/,
  },
]

describeRefusals('GNT_DATA_VALUES', valueCases)
describeRefusals('GNT_DATA_SHAPE', shapeCases)
describeRefusals('GNT_USAGE', usageCases)
describeRefusals('GNT_FILE', fileCases)
