import type { Command } from '../command.js'
import { auditDataCommand } from './audit/data.js'
import { auditModelCommand } from './audit/model.js'

/** What can be audited. A new one is one file and one line here. */
const parts: readonly Command[] = [auditDataCommand, auditModelCommand]

const describe = 'Look for poison in a data set, or for a backdoor in a model file'

export const auditCommand: Command = {
  name: 'audit',
  describe,
  // A message about a missing one cannot know which of the parts was meant.
  positionals: ['file'],
  options: parts.flatMap(({ options }) => options),
  parts,
  register(parser, choose) {
    parser.command('audit', describe, (y) => {
      for (const part of parts) part.register(y, choose)
      y.demandCommand(1, `name what to audit: ${parts.map(({ name }) => name).join(' or ')}`)
      y.example('gauntlet audit data train.npz', 'see gauntlet audit data --help')
      y.example('gauntlet audit model net.onnx --data clean.npz', 'see gauntlet audit model --help')
    })
  },
}
