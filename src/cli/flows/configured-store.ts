import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { findConfig, loadConfig } from '../../config/load.js'
import type { Config } from '../../config/schema.js'
import { GauntletError } from '../../errors.js'
import type { Store } from '../../store/store.js'
import type { Io } from '../io.js'
import { defaultStore, withStore } from '../with-store.js'

interface StoreArgs {
  readonly store?: string | undefined
  readonly config?: string | undefined
}

/** The configuration that was named, or the one in this folder; none is fine. */
async function optionalConfig(args: StoreArgs, io: Io): Promise<Config | undefined> {
  if (args.config !== undefined) return (await loadConfig(args.config, io.cwd)).config
  const found = await findConfig(io.cwd).catch((error: unknown) => {
    if (error instanceof GauntletError && error.code === 'GNT_FILE') return undefined
    throw error
  })
  return found === undefined ? undefined : (await loadConfig(found, io.cwd)).config
}

/**
 * Opens the store to read: the one named, the configuration's, or the default one.
 * @throws GNT_STORE_NOT_FOUND when there is no file: opening would make an empty one
 */
export async function openConfiguredStore<T>(
  args: StoreArgs,
  io: Io,
  work: (store: Store, config: Config | undefined) => Promise<T>,
): Promise<T> {
  const config =
    args.store === undefined || args.config !== undefined
      ? await optionalConfig(args, io)
      : undefined
  const path = resolve(io.cwd, args.store ?? config?.store ?? defaultStore)
  if (!existsSync(path))
    throw new GauntletError('GNT_STORE_NOT_FOUND', {
      what: 'no result store',
      where: path,
      fix: 'run gauntlet run first, or name one with --store',
    })
  return await withStore(path, io.cwd, (store) => work(store, config))
}
