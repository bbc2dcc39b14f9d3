// The version of an installed package. Some packages do not let their package.json be imported.

import { readFileSync } from "node:fs";

export function readVersion(library) {
  const file = new URL(`./node_modules/${library}/package.json`, import.meta.url);
  return JSON.parse(readFileSync(file, "utf8")).version;
}
