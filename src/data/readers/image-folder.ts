import { join } from 'node:path'
import type { Sharp } from 'sharp'
import { isFolder, listFolder, readBytes } from '../files.js'
import type { RawSamples } from '../raw.js'
import { formatError } from '../raw.js'
import { GauntletError } from '../../errors.js'
import type { DataReader, DataSource } from './reader.js'

interface Picture {
  readonly path: string
  readonly label: number
}

const imageName = /\.(png|jpe?g|webp)$/i
/** Pictures decoded at a time. */
const parallel = 8

/**
 * A folder with one subfolder a class, in sorted order. Samples alternate between the classes (the first
 * picture of each, the second of each, …), so that the first `limit` of them are of all classes.
 * Gray if every picture is gray, else RGB; transparency is dropped.
 */
export const imageFolderReader: DataReader = {
  format: 'image-folder',
  readsFolders: true,
  extension: /^$/,
  isCertain: () => false,
  async read(source) {
    const { pictures, classNames } = await listPictures(source)
    const chosen = pictures.slice(0, source.spec.limit ?? pictures.length)
    const { default: sharp } = await import('sharp')
    const open = async (path: string) => sharp(await readBytes(path))
    const { width, height, channels } = await commonSize(chosen, open)
    const size = width * height * channels
    const data = new Uint8Array(chosen.length * size)
    await inGroups(chosen, async ({ path }, row) => {
      const image = (await open(path)).removeAlpha().toColourspace(channels === 1 ? 'b-w' : 'srgb')
      const pixels = await decoding(path, () => image.raw({ depth: 'uchar' }).toBuffer())
      if (pixels.length !== size)
        throw formatError('picture decodes to an unexpected size', path, {
          got: `${pixels.length} bytes`,
          expected: `${size}`,
        })
      data.set(pixels, row * size)
    })
    const labels = Int32Array.from(chosen, ({ label }) => label)
    return {
      format: 'image-folder',
      values: { data, shape: [chosen.length, height, width, channels], kind: 'uint8' },
      labels: { data: labels, shape: [chosen.length], kind: 'integer' },
      layout: 'nhwc',
      classes: classNames.length,
      classNames,
    } satisfies RawSamples
  },
}

async function listPictures({ path, names }: DataSource) {
  const classNames: string[] = []
  const perClass: string[][] = []
  for (const name of names ?? []) {
    const folder = join(path, name)
    if (!(await isFolder(folder))) continue
    classNames.push(name)
    const files = (await listFolder(folder)).filter((file) => imageName.test(file))
    perClass.push(files.map((file) => join(folder, file)))
  }
  const longest = Math.max(0, ...perClass.map((files) => files.length))
  if (longest === 0)
    throw formatError('no pictures in subfolders', path, {
      expected: 'one subfolder a class with png, jpg or webp files',
      fix: 'name the folder that holds the class folders, or the data file itself',
    })
  const pictures: Picture[] = []
  for (let i = 0; i < longest; i++)
    perClass.forEach((files, label) => {
      const file = files[i]
      if (file !== undefined) pictures.push({ path: file, label })
    })
  return { pictures, classNames }
}

async function commonSize(pictures: readonly Picture[], open: (path: string) => Promise<Sharp>) {
  const sizes = await inGroups(pictures, async ({ path }) => {
    const image = await open(path)
    const { width, height, space } = await decoding(path, () => image.metadata())
    return { path, width, height, isGray: space === 'b-w' || space === 'grey16' }
  })
  const { width, height } = sizes[0] ?? { width: 0, height: 0 }
  const other = sizes.find((size) => size.width !== width || size.height !== height)
  if (other)
    throw new GauntletError('GNT_DATA_SHAPE', {
      what: 'pictures differ in size',
      where: other.path,
      got: `${other.width}x${other.height}`,
      expected: `${width}x${height}, the size of the first`,
      fix: 'resize all pictures to the input of the model',
    })
  return { width, height, channels: sizes.every(({ isGray }) => isGray) ? 1 : 3 }
}

async function decoding<T>(path: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (cause) {
    throw formatError('picture cannot be decoded', path, { cause })
  }
}

async function inGroups<T, R>(
  items: readonly T[],
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  for (let at = 0; at < items.length; at += parallel) {
    const group = items.slice(at, at + parallel)
    results.push(...(await Promise.all(group.map((item, i) => work(item, at + i)))))
  }
  return results
}
