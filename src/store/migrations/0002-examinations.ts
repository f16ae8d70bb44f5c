import type { Migration } from '../migration.js'

export const examinations: Migration = {
  version: 2,
  name: '0002-examinations',
  async up({ schema }) {
    await schema
      .createTable('examinations')
      .addColumn('key', 'text', (column) => column.notNull().primaryKey())
      .addColumn('findings', 'text', (column) => column.notNull())
      .addColumn('created_at', 'text', (column) => column.notNull())
      .execute()
  },
}
