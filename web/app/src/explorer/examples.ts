/** An operation to begin with. `roles`: whose tokens it is for; "ANY": for whoever asks, also without a token. */
export interface Example {
  title: string;
  /** What it shows, in a sentence. */
  about: string;
  roles: readonly (Role | "ANY")[];
  query: string;
  variables?: Record<string, unknown>;
}

export type Role = "STOREFRONT" | "CUSTOMER" | "SUPPLIER" | "OPERATOR" | "ADMIN";

const shops: Role[] = ["STOREFRONT", "ADMIN"];
const buyers: Role[] = ["STOREFRONT", "CUSTOMER", "OPERATOR", "ADMIN"];
const staff: Role[] = ["OPERATOR", "ADMIN"];
const stockReaders: Role[] = ["SUPPLIER", "OPERATOR", "ADMIN"];

/** The stock phrases of each role. Keys are the caller's own: one that is sent again changes nothing again. */
export const examples: Example[] = [
  {
    title: "What can be sold",
    about: "Products by a search, and from where each can be sold.",
    roles: ["ANY"],
    query: `query Products($search: String) {
  products(first: 5, filter: { search: $search }) {
    nodes {
      sku
      name
      price { amount currency }
      availability {
        available
        locations { available stale location { code kind } }
      }
    }
    pageInfo { hasNextPage endCursor }
  }
}`,
    variables: { search: "pepper sauce" },
  },
  {
    title: "Who am I",
    about: "What this token is good for.",
    roles: ["ANY"],
    query: `query Viewer {
  viewer { subject role scopes customerId expiresAt suppliers { code name } }
}`,
  },
  {
    title: "Availability, live",
    about: "A subscription for a storefront's pages: each change of what can be sold.",
    roles: ["ANY"],
    query: `subscription Availability {
  availabilityChanged {
    kind
    at
    cursor
    available
    stale
    product { sku name }
    location { code }
  }
}`,
  },
  {
    title: "Place an order",
    about: "Split by who has it. Sent again with the same key, it is the same order.",
    roles: shops,
    query: `mutation Place($input: OrderPlaceInput!) {
  orderPlace(input: $input) {
    order {
      id
      number
      status
      total { amount currency }
      lines { product { sku } quantity open backordered }
      fulfillmentOrders { id status location { code } }
    }
    userErrors { code message field }
    replayed
    cursor
  }
}`,
    variables: {
      input: {
        idempotencyKey: "explorer-1",
        customer: { id: "c-1", name: "Ann" },
        lines: [
          { sku: "NW-065", quantity: 4 },
          { sku: "BRK-PAD-1037", quantity: 2 },
        ],
      },
    },
  },
  {
    title: "The newest orders",
    about: "With what each may become next, by your hand.",
    roles: buyers,
    query: `query NewestOrders {
  orders(first: 10, orderBy: { field: PLACED_AT }) {
    nodes { id number status nextStatuses placedAt total { amount currency } }
    pageInfo { hasNextPage endCursor }
  }
}`,
  },
  {
    title: "Orders, live",
    about: "First those that are open, then each new version of any.",
    roles: ["STOREFRONT", "CUSTOMER", "SUPPLIER", "OPERATOR", "ADMIN"],
    query: `subscription Orders {
  orderChanged(snapshot: true) {
    kind
    at
    cursor
    from
    to
    order { id number status version }
  }
}`,
  },
  {
    title: "My stock",
    about: "A supplier's own levels; an operator's are everybody's.",
    roles: stockReaders,
    query: `query MyStock {
  inventoryLevels(first: 10) {
    nodes { product { sku name } location { code } onHand reserved committed available asOf stale version }
    pageInfo { hasNextPage endCursor }
  }
}`,
  },
  {
    title: "Stock, live",
    about: "Each movement of a level, with its reason.",
    roles: stockReaders,
    query: `subscription Stock {
  inventoryChanged {
    kind
    at
    cursor
    reason
    changes { state delta }
    level { product { sku } location { code } onHand available version }
  }
}`,
  },
  {
    title: "The inbox",
    about: "Parts of orders that wait for an answer, oldest first.",
    roles: stockReaders,
    query: `query Inbox {
  fulfillmentOrders(filter: { statuses: [SUBMITTED] }, first: 10) {
    nodes {
      id
      status
      nextStatuses
      acknowledgeBy
      order { number }
      lines { supplierSku supplierUnit supplierQuantity quantity }
    }
  }
}`,
  },
  {
    title: "Try a feed",
    about: "What would come of a statement of stock. Nothing is changed: it is a dry run.",
    roles: ["SUPPLIER"],
    query: `mutation Feed($input: SupplierFeedInput!) {
  supplierFeedSubmit(input: $input) {
    applied
    unchanged
    rejected
    held
    rows { index level { onHand available } userErrors { code message field } }
    userErrors { code message field }
  }
}`,
    variables: {
      input: {
        idempotencyKey: "explorer-feed-1",
        mode: "PARTIAL",
        asOf: new Date().toISOString(),
        dryRun: true,
        rows: [{ supplierSku: "a SKU of yours", quantity: 12 }],
      },
    },
  },
  {
    title: "Accept and ship",
    about: "Take a part of an order on, and say that all of it has left.",
    roles: stockReaders,
    query: `mutation AcceptAndShip($id: ID!) {
  fulfillmentOrderAccept(input: { fulfillmentOrderId: $id }) {
    fulfillmentOrder { id status }
    userErrors { code message field }
  }
  fulfillmentCreate(input: { idempotencyKey: "explorer-ship-1", fulfillmentOrderId: $id, carrier: "UPS", trackingNumber: "1Z999" }) {
    fulfillmentOrder { id status fulfillments { id status trackingNumber } }
    userErrors { code message field }
    replayed
  }
}`,
    variables: { id: "the id of a part, from the inbox" },
  },
  {
    title: "What is low",
    about: "Levels at or under their reorder point.",
    roles: staff,
    query: `query LowStock {
  inventoryLevels(filter: { lowOnly: true }, first: 20) {
    nodes { product { sku name } location { code } available reorderPoint incoming }
  }
}`,
  },
  {
    title: "Conflicts that are open",
    about: "Where two sides tell different facts.",
    roles: staff,
    query: `query OpenConflicts {
  conflicts(status: OPEN, first: 20) {
    nodes { id kind summary openedAt supplier { code } facts { name value } }
  }
}`,
  },
  {
    title: "Without a connection",
    about: "The changes behind a cursor, by asking: keep the page's cursor and ask with it again.",
    roles: ["ANY"],
    query: `query Events($after: Cursor) {
  eventHead
  events(after: $after, first: 20) {
    cursor
    hasMore
    nodes { __typename cursor at }
  }
}`,
  },
  {
    title: "The audit",
    about: "Who did what, and what came of it.",
    roles: staff,
    query: `query Audit {
  auditEntries(first: 20) {
    nodes { at actor role action outcome subject requestId }
  }
}`,
  },
  {
    title: "A client for a supplier",
    about: "A program's id and secret. The secret is shown this once.",
    roles: ["ADMIN"],
    query: `mutation Client($input: ClientCreateInput!) {
  clientCreate(input: $input) {
    client { id name scopes suppliers { code } }
    secret
    userErrors { code message field }
  }
}`,
    variables: {
      input: {
        idempotencyKey: "explorer-client-1",
        name: "A warehouse system",
        role: "SUPPLIER",
        supplierCodes: ["new-orleans-cajun-delights"],
      },
    },
  },
];

/** Those for a role; null: nobody is signed in. Those that are the role's own come first. */
export function examplesFor(role: Role | null): Example[] {
  const own = role === null ? [] : examples.filter((e) => e.roles.includes(role));
  return [...own, ...examples.filter((e) => e.roles.includes("ANY"))];
}
