import type { Task } from '../plan/task.js'
import type { TrialTask } from '../plan/trial.js'
import type { RunEvents } from './flows/execute-run.js'
import type { Io } from './io.js'
import { paint } from './table.js'

/** Least time between two redraws of the line. */
const redrawMs = 80

/**
 * Shows how far a run is: on a terminal one line that redraws itself, else one plain line for each cell
 * that is done. Goes to stderr: results alone go to stdout.
 */
export class Progress implements RunEvents {
  readonly #io: Io
  readonly #isLive: boolean
  readonly #left = new Map<string, number>()
  #total = 0
  #cached = 0
  #done = 0
  #failed = 0
  #start = 0
  #drawn = 0

  readonly #quiet: boolean
  readonly #hasTitle: boolean

  /** @param options - quiet: show nothing; title: say which run it is (default true) */
  constructor(
    io: Io,
    options: { readonly quiet?: boolean | undefined; readonly title?: boolean } = {},
  ) {
    this.#io = io
    this.#isLive = io.isTty && process.stderr.isTTY === true && !options.quiet
    this.#quiet = options.quiet ?? false
    this.#hasTitle = options.title ?? true
  }

  onRehearsal(): void {
    if (!this.#isLive) return
    this.#drawn = performance.now()
    process.stderr.write('trying out the models …')
  }

  onPlan(planned: Parameters<NonNullable<RunEvents['onPlan']>>[0]): void {
    this.#total = planned.total
    this.#cached = planned.cached
    for (const [cell, tasks] of planned.cells) this.#left.set(cell, tasks)
    this.#start = performance.now()
    if (this.#quiet) return
    const { runId, cached, total, resumed } = planned
    const state =
      cached === total
        ? 'all of it is in the store already'
        : cached > 0
          ? `${cached} of ${total} tasks are in the store already`
          : `${total} tasks`
    this.end()
    if (this.#hasTitle) this.#io.err(`${resumed ? 'run' : 'new run'} ${runId}: ${state}`)
    this.#draw()
  }

  onTask(task: Pick<Task, 'cell'> | TrialTask, state: 'done' | 'failed'): void {
    if (state === 'done') this.#done++
    else this.#failed++
    const left = (this.#left.get(task.cell) ?? 1) - 1
    this.#left.set(task.cell, left)
    if (this.#quiet) return
    // A trial takes as long as a cell of attacks.
    const name = 'poison' in task ? `${task.cell}, trial ${task.trial + 1}` : task.cell
    if (!this.#isLive && this.#hasTitle && (left === 0 || 'poison' in task))
      this.#io.err(`  ${this.#cached + this.#done + this.#failed}/${this.#total}  ${name}`)
    if (performance.now() - this.#drawn >= redrawMs) this.#draw(task.cell)
  }

  /** Takes the line away. */
  end(): void {
    if (this.#isLive && this.#drawn > 0) process.stderr.write('\r\u001B[2K')
  }

  #draw(cell = ''): void {
    if (!this.#isLive || this.#total === this.#cached) return
    this.#drawn = performance.now()
    const finished = this.#done + this.#failed
    const seconds = (performance.now() - this.#start) / 1000
    const remaining = this.#total - this.#cached - finished
    const eta = finished > 0 ? `, ${duration((seconds / finished) * remaining)} left` : ''
    const width = 20
    const filled = Math.round((width * (this.#cached + finished)) / this.#total)
    const bar = `${'━'.repeat(filled)}${paint(this.#io.color, 'dim', '━'.repeat(width - filled))}`
    const failed = this.#failed > 0 ? `, ${this.#failed} failed` : ''
    const text = `${this.#cached + finished}/${this.#total}${failed}${eta}  ${cell}`
    const room = Math.max(10, this.#io.columns - width - 3)
    process.stderr.write(`\r\u001B[2K${bar} ${text.slice(0, room)}`)
  }
}

/** `0.8 s`, `45 s`, `3 min 20 s`, `2 h 5 min` */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`
  const whole = Math.max(0, Math.round(seconds))
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`
}
