// Who appears in the journeys. Their passwords are long enough and on no list.

import type { Person } from "./idp";

/** What owners use. */
export const OWNER_PASSWORD = "a lighthouse keeper counts ships";
/** What everybody else uses. */
export const PASSWORD = "seven lanterns over a quiet harbour";

export const INES = { name: "Ines Vidal", email: "ines@acme.test", password: OWNER_PASSWORD };
export const OTTO = { name: "Otto Brandt", email: "otto@globex.test", password: OWNER_PASSWORD };
export const MIRA: Person = { email: "mira.olsen@acme.test", given: "Mira", family: "Olsen", externalId: "00u7k2exampleMIRA" };
