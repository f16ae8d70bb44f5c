import type { Migration } from '../migration.js'

export const audits: Migration = {
  version: 4,
  name: '0004-audits',
  async up({ schema }) {
    await schema
      .createTable('audits')
      .addColumn('key', 'text', (column) => column.notNull().primaryKey())
      .addColumn('result', 'text', (column) => column.notNull())
      .addColumn('created_at', 'text', (column) => column.notNull())
      .execute()
  },
}
