import { SelectField, TextField, Toggle } from "../../ui/Field";
import { Button } from "../../ui/Button";
import { noFilter, type Filter, type Option, type Options } from "./view";

interface Props {
  filter: Filter;
  options: Options;
  onChange: (filter: Filter) => void;
}

export function StockFilters({ filter, options, onChange }: Props) {
  const set = (change: Partial<Filter>) => onChange({ ...filter, ...change });
  const narrowed = Object.values(filter).some(Boolean);
  return (
    <form className="filters" role="search" aria-label="Levels" onSubmit={(e) => e.preventDefault()}>
      <TextField
        label="Search"
        hideLabel
        type="search"
        placeholder="Search SKU, name, location"
        value={filter.search}
        onChange={(e) => set({ search: e.target.value })}
      />
      <Choice label="Category" all="All categories" value={filter.category} options={options.categories} onChange={(category) => set({ category })} />
      <Choice label="Supplier" all="All suppliers" value={filter.supplier} options={options.suppliers} onChange={(supplier) => set({ supplier })} />
      <Choice label="Location" all="All locations" value={filter.location} options={options.locations} onChange={(location) => set({ location })} />
      <div className="filters-toggles">
        <Toggle label="Low" checked={filter.low} onChange={(low) => set({ low })} />
        <Toggle label="Stale" checked={filter.stale} onChange={(stale) => set({ stale })} />
        {narrowed && (
          <Button look="quiet" onClick={() => onChange(noFilter)}>
            Clear
          </Button>
        )}
      </div>
    </form>
  );
}

interface ChoiceProps {
  label: string;
  all: string;
  value: string;
  options: Option[];
  onChange: (value: string) => void;
}

/** One of several; where there is but one there is nothing to choose. */
function Choice({ label, all, value, options, onChange }: ChoiceProps) {
  if (options.length === 1 && !value) return null;
  return (
    <SelectField label={label} hideLabel value={value} onChange={(e) => onChange(e.target.value)}>
      <option value="">{all}</option>
      {options.map((o) => (
        <option key={o.value} value={o.value}>
          {o.label}
        </option>
      ))}
    </SelectField>
  );
}
