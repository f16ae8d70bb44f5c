import type { Command } from '../command.js'
import { attackCommand } from './attack.js'
import { attacksCommand } from './attacks.js'
import { auditCommand } from './audit.js'
import { baselineCommand } from './baseline.js'
import { compareCommand } from './compare.js'
import { doctorCommand } from './doctor.js'
import { demoCommand } from './demo.js'
import { explainCommand } from './explain.js'
import { exportCommand } from './export.js'
import { falsifyCommand } from './falsify.js'
import { gateCommand } from './gate.js'
import { initCommand } from './init.js'
import { opsCommand } from './ops.js'
import { pluginsCommand } from './plugins.js'
import { poisonCommand } from './poison.js'
import { reportCommand } from './report.js'
import { runCommand } from './run.js'
import { schemaCommand } from './schema.js'
import { suitesCommand } from './suites.js'

/** All verbs, in the order of the help. A new one is one file and one line here. */
export const commands: readonly Command[] = [
  demoCommand,
  runCommand,
  gateCommand,
  compareCommand,
  reportCommand,
  baselineCommand,
  attackCommand,
  poisonCommand,
  attacksCommand,
  pluginsCommand,
  suitesCommand,
  explainCommand,
  auditCommand,
  falsifyCommand,
  exportCommand,
  opsCommand,
  initCommand,
  doctorCommand,
  schemaCommand,
]
