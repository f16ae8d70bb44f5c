import type { ColumnDefinitionBuilder, CreateTableBuilder, Kysely } from 'kysely'
import type { sql } from 'kysely'

/** The few words in which databases differ. */
export interface Flavour {
  /** A whole number that the database counts up. */
  readonly identity: (column: ColumnDefinitionBuilder) => ColumnDefinitionBuilder
  readonly blob: ReturnType<typeof sql>
  /** Stores the rows of a long, narrow table in the order of its primary key, where that can be had. */
  readonly clustered: <T extends string, C extends string>(
    table: CreateTableBuilder<T, C>,
  ) => CreateTableBuilder<T, C>
}

/** One step of the schema. Never edited after a release: a change is a new migration. */
export interface Migration {
  /** 1, 2, 3, … without gaps. */
  readonly version: number
  readonly name: string
  up(db: Kysely<unknown>, flavour: Flavour): Promise<void>
}
