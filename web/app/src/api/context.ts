import { createContext, useContext } from "react";
import type { Api } from "./client";

export const ApiContext = createContext<Api | null>(null);

/** How the session asks the gateway. */
export function useApi(): Api {
  const api = useContext(ApiContext);
  if (!api) throw new Error("nobody is signed in");
  return api;
}
