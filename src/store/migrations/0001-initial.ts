import type { ColumnDefinitionBuilder } from 'kysely'
import type { Migration } from '../migration.js'

const filled = (column: ColumnDefinitionBuilder) => column.notNull()

/** A column that names a row of another table and goes with it. */
const of = (target: string) => (column: ColumnDefinitionBuilder) =>
  column.notNull().references(target).onDelete('cascade')

export const initial: Migration = {
  version: 1,
  name: '0001-initial',
  async up(db, { identity, blob, clustered }) {
    const { schema } = db
    await schema
      .createTable('runs')
      .addColumn('seq', 'integer', identity)
      .addColumn('id', 'text', (column) => column.notNull().unique())
      .addColumn('suite', 'text', filled)
      .addColumn('title', 'text', filled)
      .addColumn('seed', 'bigint', filled)
      .addColumn('plan_digest', 'text', filled)
      .addColumn('manifest', 'text', filled)
      .addColumn('status', 'text', filled)
      .addColumn('created_at', 'text', filled)
      .addColumn('updated_at', 'text', filled)
      .execute()
    await schema.createIndex('runs_by_plan').on('runs').column('plan_digest').execute()

    await schema
      .createTable('cells')
      .addColumn('run', 'integer', of('runs.seq'))
      .addColumn('position', 'integer', filled)
      .addColumn('id', 'text', filled)
      .addColumn('spec', 'text', filled)
      .addPrimaryKeyConstraint('cells_key', ['run', 'position'])
      .addUniqueConstraint('cells_id', ['run', 'id'])
      .execute()

    // No reference to `tasks`, which holds done tasks only.
    await clustered(
      schema
        .createTable('cell_tasks')
        .addColumn('run', 'integer', filled)
        .addColumn('cell', 'integer', filled)
        .addColumn('position', 'integer', filled)
        .addColumn('key', 'text', filled)
        .addPrimaryKeyConstraint('cell_tasks_key', ['run', 'cell', 'position'])
        .addUniqueConstraint('cell_tasks_once', ['run', 'cell', 'key'])
        .addForeignKeyConstraint(
          'cell_tasks_cell',
          ['run', 'cell'],
          'cells',
          ['run', 'position'],
          (constraint) => constraint.onDelete('cascade'),
        ),
    ).execute()

    await schema
      .createTable('tasks')
      .addColumn('id', 'integer', identity)
      .addColumn('key', 'text', (column) => column.notNull().unique())
      .addColumn('cell', 'text', filled)
      .addColumn('from_sample', 'integer', filled)
      .addColumn('to_sample', 'integer', filled)
      .addColumn('seed', 'bigint', filled)
      .addColumn('seconds', 'double precision', filled)
      .addColumn('seconds_in_runtime', 'double precision', filled)
      .addColumn('notes', 'text', filled)
      .addColumn('created_at', 'text', filled)
      .execute()

    await clustered(
      schema
        .createTable('outcomes')
        .addColumn('task', 'integer', of('tasks.id'))
        .addColumn('sample', 'integer', filled)
        .addColumn('label', 'integer', filled)
        .addColumn('clean_prediction', 'integer', filled)
        .addColumn('adversarial_prediction', 'integer', filled)
        .addColumn('success', 'integer', filled)
        .addColumn('distance', 'double precision')
        .addColumn('queries', 'integer', filled)
        .addColumn('gradients', 'integer', filled)
        .addPrimaryKeyConstraint('outcomes_key', ['task', 'sample']),
    ).execute()

    await schema
      .createTable('examples')
      .addColumn('task', 'integer', of('tasks.id'))
      .addColumn('sample', 'integer', filled)
      .addColumn('length', 'integer', filled)
      .addColumn('data', blob, filled)
      .addPrimaryKeyConstraint('examples_key', ['task', 'sample'])
      .execute()

    await schema
      .createTable('failures')
      .addColumn('run', 'integer', of('runs.seq'))
      .addColumn('key', 'text', filled)
      .addColumn('kind', 'text', filled)
      .addColumn('message', 'text', filled)
      .addColumn('created_at', 'text', filled)
      .addPrimaryKeyConstraint('failures_key', ['run', 'key'])
      .execute()
    await schema.createIndex('failures_by_key').on('failures').column('key').execute()

    await schema
      .createTable('baselines')
      .addColumn('seq', 'integer', identity)
      .addColumn('name', 'text', filled)
      .addColumn('run', 'integer', of('runs.seq'))
      .addColumn('version', 'text', filled)
      .addColumn('note', 'text', filled)
      .addColumn('created_at', 'text', filled)
      .execute()
    await schema.createIndex('baselines_by_name').on('baselines').columns(['name', 'seq']).execute()
  },
}
