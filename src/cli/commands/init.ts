import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { GauntletError } from '../../errors.js'
import { defineCommand } from '../command.js'
import { findProject } from '../init/find-project.js'
import { templates } from '../init/templates.js'

const formats = ['ts', 'yaml', 'json'] as const

export const initCommand = defineCommand({
  command: 'init',
  describe: 'Write a configuration for the models and data in this folder',
  examples: [
    ['gauntlet init', 'writes gauntlet.config.ts with comments'],
    ['gauntlet init --format yaml', 'writes gauntlet.config.yaml'],
  ],
  options: {
    format: {
      choices: formats,
      default: 'ts' as (typeof formats)[number],
      requiresArg: true,
      describe: 'language of the file',
    },
    force: { type: 'boolean', default: false, describe: 'write over a file that is there' },
  },
  async run({ format, force, json }, io) {
    const { findConfigs } = await import('../../config/load.js')
    const name = `gauntlet.config.${format}`
    const path = join(io.cwd, name)
    const others = (await findConfigs(io.cwd)).filter((other) => other !== name)
    if (others.length > 0)
      throw new GauntletError('GNT_FILE', {
        what: 'there is another configuration in this folder',
        where: others.join(', '),
        fix: 'remove it first: two would be refused',
      })
    const project = await findProject(io.cwd)
    await write(path, name, templates[format](project), force)
    if (json) return io.out(JSON.stringify({ path, ...project }, null, 2))
    io.out(`wrote ${name}`)
    io.out(
      project.models.length > 0
        ? `  models, oldest first: ${project.models.map(({ version }) => version).join(', ')}`
        : '  no .onnx file found here: put in the paths of your models',
    )
    io.out(
      project.data === undefined
        ? '  no data found here: put in the path of your test set'
        : `  data: ${project.data}`,
    )
    io.out('next: check the file, then gauntlet doctor, then gauntlet run')
  },
})

async function write(path: string, name: string, text: string, force: boolean): Promise<void> {
  try {
    await writeFile(path, text, { flag: force ? 'w' : 'wx' })
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
    throw new GauntletError(
      'GNT_FILE',
      code === 'EEXIST'
        ? { what: 'the file is there already', where: name, fix: 'pass --force to write over it' }
        : { what: 'the configuration cannot be written', where: name, got: code },
      { cause },
    )
  }
}
