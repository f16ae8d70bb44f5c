/**
 * Throughput of `gauntlet attack` with one and with two workers, and the share of wall time outside ONNX Runtime.
 * Prints medians over alternating repetitions, because machines are shared.
 *
 *   npm run build && node test/bench/throughput.mjs [repetitions]
 */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')
const data = join(root, '../shared/data')
if (!existsSync(data)) {
  console.log('skipped: ../shared/data is not here')
  process.exit(0)
}
const repetitions = Number(process.argv[2] ?? 5)
const model = join(data, 'vnncomp/onnx/resnet_3b2_bn_mixup_adv_4.0_bs128_lr-1.onnx')

/** One attack; 192 samples are six tasks of the same size. Few samples fall at this radius, so batches stay full. */
function attack(workers) {
  const args = [
    join(root, 'dist/src/cli/main.js'),
    'attack',
    model,
    '--data',
    join(data, 'cifar10-robust/images.npz'),
    '--mean',
    '.4914,.4822,.4465',
    '--std',
    '.2023,.1994,.2010',
    '--eps',
    '1/255',
    '--steps',
    '100',
    '--limit',
    '192',
    '--batch',
    '64',
    '--workers',
    String(workers),
    '--json',
  ]
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }))
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
const rows = []
for (let i = 0; i < repetitions; i++) {
  const one = attack(1)
  const two = attack(2)
  rows.push({
    one: one.gradients / one.seconds,
    two: two.gradients / two.seconds,
    speedup: two.gradients / two.seconds / (one.gradients / one.seconds),
    outside: 1 - one.secondsInRuntime / one.seconds,
  })
}
const of = (key) => median(rows.map((row) => row[key]))
console.log(
  `resnet_3b2, PGD-100, L∞ 1/255, 192 samples, batch 64; medians of ${repetitions}; ${availableParallelism()} cores`,
)
console.log(`1 worker    ${of('one').toFixed(0)} gradients/s`)
console.log(`2 workers   ${of('two').toFixed(0)} gradients/s`)
console.log(`2 over 1    ${of('speedup').toFixed(2)} ×      (target ≥ 1.8)`)
console.log(
  `outside ONNX Runtime, 1 worker   ${(100 * of('outside')).toFixed(1)} %   (target ≤ 5 %)`,
)
