import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Store } from '../store/store.js'
import { GauntletError } from '../errors.js'
import { checkFolderMakeable } from './flows/writable.js'

/** Where results are kept when neither option nor configuration says so. */
export const defaultStore = '.gauntlet/results.db'

export const storeOption = {
  type: 'string',
  requiresArg: true,
  describe: `result store, a SQLite file (default: the configuration's, else ${defaultStore})`,
} as const

/** Opens the store for as long as `work` takes. */
export async function withStore<T>(
  path: string,
  cwd: string,
  work: (store: Store) => Promise<T>,
): Promise<T> {
  return await withStoreOnDemand(path, cwd, async (stored) => await work(await stored.open()))
}

/** A store that may not be there yet. */
export interface StoreOnDemand {
  /** The store, if there was one. */
  readonly existing: Store | undefined
  /** The store; made now if there was none. */
  open(): Promise<Store>
}

/**
 * As `withStore`, but a store that is not there is only made when `work` asks for it: a run that is refused
 * leaves nothing behind. Whether it could be made is checked before.
 *
 * @throws GauntletError GNT_STORE
 */
export async function withStoreOnDemand<T>(
  path: string,
  cwd: string,
  work: (stored: StoreOnDemand) => Promise<T>,
): Promise<T> {
  const file = path === ':memory:' ? path : resolve(cwd, path)
  const isThere = file === ':memory:' || existsSync(file)
  if (!isThere) await checkMakeable(file)
  // Kysely and libsql take a fifth of a second to load; most commands need neither.
  const { openStore } = await import('../store/open.js')
  const existing = isThere ? await openStore(file) : undefined
  let store = existing
  try {
    return await work({ existing, open: async () => (store ??= await openStore(file)) })
  } finally {
    await store?.close()
  }
}

async function checkMakeable(file: string): Promise<void> {
  try {
    await checkFolderMakeable(dirname(file), 'the result store cannot be made')
  } catch (cause) {
    if (!(cause instanceof GauntletError)) throw cause
    const detail = { ...cause.detail, where: file, fix: 'choose another store file' }
    throw new GauntletError('GNT_STORE', detail, { cause })
  }
}
