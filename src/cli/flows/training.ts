import { readFile, stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import type { TrainingConfig } from '../../config/training-schema.js'
import { GauntletError } from '../../errors.js'
import type { TrainingSpec } from '../../plan/trial.js'
import { checkCommand, checkProgram, splitCommand } from '../../poison/command-line.js'
import { sha256 } from '../../util/hash.js'

/** Learning rates that are taken where none is given. */
const learningRates = { sgd: 0.01, adam: 0.001, adamw: 0.001 } as const

/**
 * A training as trials are told of it.
 * @param config - its paths are absolute
 * @throws GNT_CONFIG for a command that cannot work; GNT_FILE for a file of its that is not there
 */
export async function resolveTraining(config: TrainingConfig): Promise<TrainingSpec> {
  if ('command' in config) return await resolveCommand(config)
  const { from, epochs, batch, optimizer, learningRate, schedule, augment, clipNorm } = config
  return {
    kind: 'built-in',
    from,
    epochs,
    batch,
    settings: {
      optimizer,
      learningRate: learningRate ?? learningRates[optimizer.kind],
      schedule,
      ...(augment === undefined ? {} : { augmentation: augment }),
      ...(clipNorm === undefined ? {} : { clipNorm }),
    },
  }
}

async function resolveCommand(
  config: Extract<TrainingConfig, { command: unknown }>,
): Promise<TrainingSpec> {
  const { shell, timeout, keepFolder, cwd } = config
  const written = config.command
  if (shell && typeof written !== 'string')
    throw new GauntletError('GNT_CONFIG', {
      what: 'a command for the shell that is a list',
      got: JSON.stringify(written),
      expected: 'one text',
      fix: 'write it as one line, or leave shell out',
    })
  const parts = typeof written === 'string' ? splitCommand(written) : written
  const command = shell ? (written as string) : parts
  checkCommand(command)
  if (!shell) checkProgram(parts[0]!, cwd)
  const digest = await digestFiles(parts.slice(1), config.files, cwd)
  return {
    kind: 'command',
    command,
    shell,
    digest,
    timeoutSeconds: timeout,
    cwd,
    keepFolder,
  }
}

/** Larger files are no scripts: they are part of the key only if they are named. */
const largestScriptBytes = 2 ** 24

/** SHA-256 over the files that are named, and over arguments that are files. */
async function digestFiles(
  parts: readonly string[],
  files: readonly string[],
  cwd: string,
): Promise<string> {
  const contents: (string | Uint8Array)[] = []
  for (const path of files) contents.push(basename(path), await read(path))
  for (const part of parts) {
    const path = resolve(cwd, part)
    const found = part.includes('{') ? null : await stat(path).catch(() => null)
    if (found?.isFile() && found.size <= largestScriptBytes)
      contents.push(basename(path), await read(path))
  }
  return sha256(...contents)
}

async function read(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (cause) {
    const got = (cause as NodeJS.ErrnoException).code ?? String(cause)
    throw new GauntletError(
      'GNT_FILE',
      {
        what: 'a file of the training command cannot be read',
        where: path,
        got: got === 'EISDIR' ? 'a folder' : got === 'ENOENT' ? 'no such file' : got,
      },
      { cause },
    )
  }
}
