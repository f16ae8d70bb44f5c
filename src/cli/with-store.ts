import { resolve } from 'node:path'
import { openStore } from '../store/open.js'
import type { Store } from '../store/store.js'

/** Where results are kept when neither option nor configuration says so. */
export const defaultStore = '.gauntlet/results.db'

export const storeOption = {
  type: 'string',
  requiresArg: true,
  describe: `result store, a SQLite file (default: the configuration's, else ${defaultStore})`,
} as const

/** Opens the store for as long as `work` takes. */
export async function withStore<T>(path: string, cwd: string, work: (store: Store) => Promise<T>): Promise<T> {
  const store = await openStore(path === ':memory:' ? path : resolve(cwd, path))
  try {
    return await work(store)
  } finally {
    await store.close()
  }
}
