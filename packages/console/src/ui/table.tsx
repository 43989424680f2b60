/** A table that can be sorted and filtered; how, is in the address. On narrow screens each row is a card. */
import type { ComponentChildren } from "preact";
import { query, setQuery } from "../location.ts";

export interface Column<T> {
  readonly name: string;
  readonly cell: (row: T) => ComponentChildren;
  /** What rows are sorted and filtered by; left out: by this column they can't be. */
  readonly value?: (row: T) => string | number;
  readonly isNumber?: boolean;
}

/** More are not drawn; the filter finds them. */
const ROWS_MAX = 2000;

export interface TableProps<T> {
  readonly caption: string;
  readonly columns: ReadonlyArray<Column<T>>;
  readonly rows: readonly T[];
  readonly keyOf: (row: T) => string;
  /** What is said where there is no row at all. */
  readonly empty: string;
  readonly canFilter?: boolean;
}

export function Table<T>({ caption, columns, rows, keyOf, empty, canFilter = false }: TableProps<T>) {
  if (rows.length === 0) return <p class="muted">{empty}</p>;
  const sort = readSort(query.value.get("sort") ?? "");
  const filter = canFilter ? (query.value.get("q") ?? "") : "";
  const shown = sorted(filtered(rows, columns, filter), columns, sort);
  return (
    <>
      {canFilter && (
        <label class="filter">
          Filter{" "}
          <input
            id="filter"
            type="search"
            value={filter}
            onInput={(event) => setQuery("q", event.currentTarget.value)}
          />
        </label>
      )}
      <div class="scroll" role="region" aria-label={caption} tabIndex={0}>
        <table>
          <caption class="hidden">{caption}</caption>
          <thead>
            <tr>
              {columns.map((column) => (
                <Head key={column.name} column={column} sort={sort} />
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.slice(0, ROWS_MAX).map((row) => (
              <tr key={keyOf(row)}>
                {columns.map((column) => (
                  <td key={column.name} class={column.isNumber === true ? "number" : ""} data-label={column.name}>
                    {column.cell(row)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {shown.length === 0 && <p class="muted">Nothing matches the filter.</p>}
      {shown.length > ROWS_MAX && (
        <p class="muted">
          The first {ROWS_MAX} of {shown.length} rows.
        </p>
      )}
    </>
  );
}

interface Sort {
  readonly name: string;
  readonly isDown: boolean;
}

function Head<T>({ column, sort }: { readonly column: Column<T>; readonly sort: Sort }) {
  const kind = column.isNumber === true ? "number" : "";
  if (column.value === undefined)
    return (
      <th scope="col" class={kind}>
        {column.name}
      </th>
    );
  const isSorted = sort.name === column.name;
  const next = isSorted && !sort.isDown ? `-${column.name}` : column.name;
  return (
    <th scope="col" class={kind} aria-sort={isSorted ? (sort.isDown ? "descending" : "ascending") : "none"}>
      <button type="button" class="sort" onClick={() => setQuery("sort", next)}>
        {column.name}
        <span aria-hidden="true">{isSorted ? (sort.isDown ? " ▼" : " ▲") : ""}</span>
      </button>
    </th>
  );
}

function readSort(text: string): Sort {
  return text.startsWith("-") ? { name: text.slice(1), isDown: true } : { name: text, isDown: false };
}

function filtered<T>(rows: readonly T[], columns: ReadonlyArray<Column<T>>, filter: string): readonly T[] {
  const wanted = filter.trim().toLowerCase();
  if (wanted === "") return rows;
  return rows.filter((row) =>
    columns.some(({ value }) =>
      String(value?.(row) ?? "")
        .toLowerCase()
        .includes(wanted),
    ),
  );
}

function sorted<T>(rows: readonly T[], columns: ReadonlyArray<Column<T>>, { name, isDown }: Sort): readonly T[] {
  const value = columns.find((column) => column.name === name)?.value;
  if (value === undefined) return rows;
  const order = isDown ? -1 : 1;
  return rows.toSorted((a, b) => {
    const [left, right] = [value(a), value(b)];
    if (typeof left === "number" && typeof right === "number") return (left - right) * order;
    return String(left).localeCompare(String(right), "en", { numeric: true }) * order;
  });
}
