import { cifarReader } from './cifar-binary.js'
import { csvReader } from './csv.js'
import { idxReader } from './idx.js'
import { imageFolderReader } from './image-folder.js'
import { npyReader } from './npy.js'
import { npzReader } from './npz.js'
import type { DataReader } from './reader.js'

/** Asked in this order; the certain ones first. */
export const readers: readonly DataReader[] = [
  npzReader,
  npyReader,
  idxReader,
  cifarReader,
  csvReader,
  imageFolderReader,
]
