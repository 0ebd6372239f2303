import type { Key, ReactNode } from "react";
import { classes } from "./classes";

export interface Column<Row> {
  /** Names the column; on narrow screens it stands before each value. */
  head: string;
  cell: (row: Row) => ReactNode;
  /** Set in columns, to the right. */
  numeric?: boolean;
}

interface Props<Row> {
  /** What the table is of, for screen readers. */
  caption: string;
  columns: Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => Key;
}

/** A table of up to a few hundred rows. On narrow screens each row becomes a card, and by its roles still a row. */
export function Table<Row>({ caption, columns, rows, rowKey }: Props<Row>) {
  return (
    <table className="table" role="table">
      <caption className="only-heard">{caption}</caption>
      <thead role="rowgroup">
        <tr role="row">
          {columns.map((c) => (
            <th key={c.head} role="columnheader" scope="col" className={classes(c.numeric && "numeric")}>
              {c.head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map((row) => (
          <tr role="row" key={rowKey(row)}>
            {columns.map((c) => (
              <td key={c.head} role="cell" data-head={c.head} className={classes(c.numeric && "numeric")}>
                {c.cell(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
