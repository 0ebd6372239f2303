import { useEffect, useId, useState } from "react";
import { useApi } from "../../api/context";
import type { Places } from "../../api/places";
import { FindProductsDocument, type ConflictMappingInput, type FindProductsQuery, type UnitOfMeasure } from "../../gql/graphql";
import { words } from "../../format";
import { SelectField, TextField } from "../../ui/Field";
import type { Conflict } from "./facts";

type Product = FindProductsQuery["products"]["nodes"][number];

/** What a supplier's SKU, or a unit of it, stands for, as far as it is said. */
export interface Mapping {
  product: Product | null;
  unit: UnitOfMeasure;
  pack: string;
}

const units: UnitOfMeasure[] = ["PIECE", "BOTTLE", "JAR", "CAN", "BAG", "BOX", "PACK", "CASE", "SET", "PAIR", "KILOGRAM", "LITRE"];
const findAfter = 250;

export const mappingPlaces: Places = {
  mapping: "product",
  "mapping.productId": "product",
  "mapping.unit": "unit",
  "mapping.packQuantity": "pack",
};

/** What the conflict itself says of it: its unit, and for a unit that isn't mapped the SKU's own product. */
export function firstMapping({ facts, subject }: Conflict): Mapping {
  const told = facts.find((f) => f.name === "unit")?.value as UnitOfMeasure | undefined;
  return {
    product: subject?.__typename === "SupplierItem" ? subject.product : null,
    unit: told && units.includes(told) ? told : "CASE",
    pack: "",
  };
}

/** The mapping as the mutation takes it, or null where something of it isn't said. */
export function mappingInput({ product, unit, pack }: Mapping): ConflictMappingInput | null {
  const packQuantity = Number(pack);
  if (!product || !Number.isInteger(packQuantity) || packQuantity < 1) return null;
  return { productId: product.id, unit, packQuantity };
}

interface Props {
  conflict: Conflict;
  mapping: Mapping;
  at: Record<string, string>;
  onChange: (mapping: Mapping) => void;
}

export function MappingFields({ conflict, mapping, at, onChange }: Props) {
  const base = mapping.product ? words(mapping.product.baseUnit).toLowerCase() : "base unit";
  const sku = conflict.facts.find((f) => f.name === "supplierSku")?.value;
  return (
    <>
      <ProductChoice sku={sku} chosen={mapping.product} error={at.product} onChoose={(product) => onChange({ ...mapping, product })} />
      <div className="mapping-pack">
        <SelectField
          label="Supplier's unit"
          value={mapping.unit}
          error={at.unit}
          onChange={(e) => onChange({ ...mapping, unit: e.target.value as UnitOfMeasure })}
        >
          {units.map((u) => (
            <option key={u} value={u}>
              {words(u)}
            </option>
          ))}
        </SelectField>
        <TextField
          label={`How many (${base}) in one`}
          hint="24 for a case of 24 bottles."
          type="number"
          inputMode="numeric"
          min={1}
          step={1}
          required
          value={mapping.pack}
          error={at.pack}
          onChange={(e) => onChange({ ...mapping, pack: e.target.value })}
        />
      </div>
    </>
  );
}

interface ChoiceProps {
  sku: string | undefined;
  chosen: Product | null;
  error: string | undefined;
  onChoose: (product: Product | null) => void;
}

/** Finds a product by its name or SKU. */
function ProductChoice({ sku, chosen, error, onChoose }: ChoiceProps) {
  const { urql } = useApi();
  const group = useId();
  const [text, setText] = useState("");
  const [found, setFound] = useState<Product[] | null>(null);
  useEffect(() => {
    const wanted = text.trim();
    setFound(null);
    if (!wanted) return;
    let over = false;
    const timer = setTimeout(() => {
      void urql
        .query(FindProductsDocument, { search: wanted })
        .toPromise()
        .then(({ data }) => !over && setFound(data?.products.nodes ?? []));
    }, findAfter);
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [text, urql]);
  if (chosen)
    return (
      <div className="field">
        <span className="field-label">{sku ? `What ${sku} stands for` : "Product"}</span>
        <p className="product-chosen">
          <span>
            {chosen.name} <small className="muted code">{chosen.sku}</small>
          </span>
          <button type="button" className="button button-quiet" onClick={() => onChoose(null)}>
            Another
          </button>
        </p>
        {error && <p className="field-error">{error}</p>}
      </div>
    );
  return (
    <>
      <TextField
        label={sku ? `What ${sku} stands for` : "Product"}
        hint="Find a product by its name or SKU."
        type="search"
        autoComplete="off"
        value={text}
        error={error}
        onChange={(e) => setText(e.target.value)}
        onKeyDown={(e) => e.key === "Enter" && e.preventDefault()}
      />
      {found && (
        <fieldset className="products">
          <legend className="only-heard">Products found</legend>
          {found.length === 0 && <p className="muted">No product is called that.</p>}
          {found.map((p) => (
            <label key={p.id}>
              <input type="radio" name={group} checked={false} onChange={() => onChoose(p)} />
              {p.name} <small className="muted code">{p.sku}</small>
            </label>
          ))}
        </fieldset>
      )}
    </>
  );
}
