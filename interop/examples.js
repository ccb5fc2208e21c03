import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const require = createRequire(import.meta.url);

/**
 * Every example payload of @octokit/webhooks-examples, of github.com and of each GitHub Enterprise
 * Server: a Map of the event to its payloads, as the compact JSON text that GitHub sends.
 *
 * Payloads that stand there several times are taken once: GitHub signs only the body, so the same
 * bytes are the same delivery.
 */
export const examples = load();

function load() {
  const folder = path.dirname(require.resolve("@octokit/webhooks-examples/package.json"));
  const indexes = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const seen = new Set();
  const byEvent = new Map();
  for (const { name } of indexes) {
    for (const definition of JSON.parse(readFileSync(path.join(folder, name, "index.json"), "utf8"))) {
      for (const example of definition.examples) {
        const text = JSON.stringify(example);
        if (seen.has(text)) continue;
        seen.add(text);
        if (!byEvent.has(definition.name)) byEvent.set(definition.name, []);
        byEvent.get(definition.name).push(text);
      }
    }
  }
  return byEvent;
}
