import type { Migration } from '../migration.js'

export const trials: Migration = {
  version: 3,
  name: '0003-trials',
  async up({ schema }) {
    await schema
      .createTable('trials')
      .addColumn('key', 'text', (column) => column.notNull().primaryKey())
      .addColumn('result', 'text', (column) => column.notNull())
      .addColumn('created_at', 'text', (column) => column.notNull())
      .execute()
  },
}
