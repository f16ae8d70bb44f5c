import type { Command } from '../command.js'
import { auditModelCommand } from './audit/model.js'

/** What can be audited. A new one is one file and one line here. */
const parts: readonly Command[] = [auditModelCommand]

export const auditCommand: Command = {
  name: 'audit',
  describe: 'Look for a backdoor in a model file',
  positionals: ['file'],
  options: parts.flatMap(({ options }) => options),
  register(parser, choose) {
    parser.command('audit', 'Look for a backdoor in a model file', (y) => {
      for (const part of parts) part.register(y, choose)
      y.demandCommand(1, `name what to audit: ${parts.map(({ name }) => name).join(' or ')}`)
      y.example('gauntlet audit model net.onnx --data clean.npz', 'see gauntlet audit model --help')
    })
  },
}
