import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore } from '../../../src/store/open.js'
import { describeStore } from '../../conformance/store.js'

describeStore('sqlite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gauntlet-store-'))
  return {
    open: async () => await openStore(join(folder, 'results.sqlite')),
    remove: async () => await rm(folder, { recursive: true }),
  }
})
