import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** A Python process that answers one request at a time. */
export class Worker {
  #process
  #lines

  /**
   * @param script - path of the Python file that answers
   * @param env - variables of its environment. By default its threads do not spin after their turn, which would take time
   *   from the other side's.
   */
  constructor(
    python,
    script = join(import.meta.dirname, 'worker.py'),
    env = { OMP_WAIT_POLICY: 'passive' },
  ) {
    this.#process = spawn(python, [script], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, ...env },
    })
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]()
  }

  /** @throws with what went wrong on the other side */
  async ask(request) {
    this.#process.stdin.write(`${JSON.stringify(request)}\n`)
    const { value, done } = await this.#lines.next()
    if (done) throw new Error('the Python process has ended')
    const answer = JSON.parse(value)
    if (answer.error) throw new Error(answer.error)
    return answer
  }

  async close() {
    this.#process.stdin.end()
    await once(this.#process, 'close')
  }
}
