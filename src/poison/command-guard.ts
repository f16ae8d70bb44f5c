/**
 * Runs a training command in a process group of its own, and ends the whole group when the process that asked for it is
 * gone: it holds the other end of stdin, however it ends. Arguments: `shell` or `plain`, and the command.
 */
import { spawn } from 'node:child_process'
import { constants } from 'node:os'

const [mode, program = '', ...parts] = process.argv.slice(2)
const child = spawn(program, parts, {
  stdio: ['ignore', 'inherit', 'inherit'],
  shell: mode === 'shell',
  windowsHide: true,
})
child.on('error', (error) => {
  console.error(error.message)
  process.exit(127)
})
child.on('exit', (code, signal) =>
  process.exit(signal === null ? (code ?? 1) : 128 + constants.signals[signal]),
)
process.stdin.on('end', () => {
  if (process.platform === 'win32') process.exit(1)
  process.kill(-process.pid, 'SIGKILL')
})
process.stdin.resume()
