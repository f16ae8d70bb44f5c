import { basename, dirname, join } from 'node:path'
import { exists, readBytes } from '../files.js'
import type { RawSamples } from '../raw.js'
import { formatError } from '../raw.js'
import type { DataReader, DataSource } from './reader.js'

/** A record is its labels, one byte each, then 3 × 32 × 32 bytes, channels first. */
interface Variant {
  readonly name: string
  readonly labelBytes: 1 | 2
  readonly classes: number
  /** Beside the data: one class name a line. */
  readonly namesFile: string
}

export const pixels = 3 * 32 * 32
const cifar10: Variant = {
  name: 'cifar10-binary',
  labelBytes: 1,
  classes: 10,
  namesFile: 'batches.meta.txt',
}
/** Coarse label first, then the fine one of 100 classes, which is used. */
const cifar100: Variant = {
  name: 'cifar100-binary',
  labelBytes: 2,
  classes: 100,
  namesFile: 'fine_label_names.txt',
}

/** In a folder the test set is read where there is one: robustness is measured on data not trained on. */
const filePatterns = [/^test_batch\.bin$/, /^test\.bin$/, /^data_batch_\d+\.bin$/, /^train\.bin$/]

/** CIFAR-10 and CIFAR-100 "binary version": a file, or the folder it was unpacked to. */
export const cifarReader: DataReader = {
  format: 'cifar10-binary',
  readsFolders: true,
  extension: /\.bin$/i,
  isCertain: ({ names }) => names !== undefined && filesIn(names).length > 0,
  async read(source) {
    const files = await chooseFiles(source)
    const total = files.reduce((sum, file) => sum + file.bytes.length, 0)
    const variant = variantOf(
      files.map((file) => file.bytes.length),
      basename(files[0]?.path ?? ''),
    )
    const record = pixels + variant.labelBytes
    for (const { path, bytes } of files)
      if (bytes.length === 0 || bytes.length % record !== 0)
        throw formatError('CIFAR file is truncated, or not one', path, {
          got: `${bytes.length} bytes`,
          expected: 'a multiple of 3073 (CIFAR-10) or 3074 (CIFAR-100)',
        })
    const count = total / record
    const values = new Uint8Array(count * pixels)
    const labels = new Uint8Array(count)
    let row = 0
    for (const { bytes } of files)
      for (let at = 0; at < bytes.length; at += record, row++) {
        const image = at + variant.labelBytes
        labels[row] = bytes[image - 1] ?? 0
        values.set(bytes.subarray(image, image + pixels), row * pixels)
      }
    const folder = source.names ? source.path : dirname(source.path)
    const classNames = await readNames(join(folder, variant.namesFile))
    return {
      format: variant.name,
      values: { data: values, shape: [count, 3, 32, 32], kind: 'uint8' },
      labels: { data: labels, shape: [count], kind: 'uint8' },
      layout: 'nchw',
      classes: variant.classes,
      ...(classNames && { classNames }),
    } satisfies RawSamples
  },
}

export function filesIn(names: readonly string[]): readonly string[] {
  const pattern = filePatterns.find((candidate) => names.some((name) => candidate.test(name)))
  return pattern ? names.filter((name) => pattern.test(name)) : []
}

async function chooseFiles({ path, names, bytes }: DataSource) {
  if (!names) return [{ path, bytes }]
  const files = filesIn(names).map((name) => join(path, name))
  if (files.length === 0)
    throw formatError('no CIFAR files in the folder', path, {
      expected: 'test_batch.bin, data_batch_*.bin, test.bin or train.bin',
    })
  return Promise.all(files.map(async (file) => ({ path: file, bytes: await readBytes(file) })))
}

/** By the record length; the name decides for a file that both lengths divide, as 0 bytes. */
export function variantOf(lengths: readonly number[], name: string): Variant {
  const fits = ({ labelBytes }: Variant) => lengths.every((n) => n % (pixels + labelBytes) === 0)
  const named = /^(test|train)\.bin$/.test(name) ? cifar100 : cifar10
  if (fits(named)) return named
  return [cifar10, cifar100].find(fits) ?? named
}

async function readNames(path: string): Promise<readonly string[] | undefined> {
  if (!(await exists(path))) return undefined
  const lines = Buffer.from(await readBytes(path))
    .toString('utf8')
    .split('\n')
  return lines.map((line) => line.trim()).filter(Boolean)
}
