import { vi } from "vitest";

/** Tests read the words of one locale, whatever machine they run on. */
vi.stubGlobal("navigator", { languages: ["en-GB"] });
