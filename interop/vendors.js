import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { describe, test } from "node:test";

import { sendSigned } from "./command.js";
import { sdks } from "./sdks.js";
import { flipBit, someBit } from "./sender.js";
import { trial } from "./trial.js";

const nameOf = (sdk) => sdk.name ?? sdk.preset;
const variableOf = (sdk) => `VENDOR_${nameOf(sdk).toUpperCase().replaceAll("-", "_")}`;

const keys = new Map(sdks.map((sdk) => [sdk, newKeys(sdk)]));

function newKeys({ newKeys }) {
  const text = randomBytes(24).toString("base64url");
  return newKeys?.() ?? { verifies: text, signs: text };
}

/** The secrets of the routes, by the names of their variables. */
export function newSecrets() {
  return Object.fromEntries(sdks.map((sdk) => [variableOf(sdk), keys.get(sdk).verifies]));
}

/** The directives of the routes, one of each SDK. */
export function site(upstream) {
  return sdks
    .map((sdk) => {
      const lines = [`name ${nameOf(sdk)}`, `secret {env.${variableOf(sdk)}} current`, ...(sdk.options ?? [])];
      return `
	handle /vendors/${nameOf(sdk)} {
		webhook_verify ${sdk.preset} {
			${lines.join("\n\t\t\t")}
		}
		reverse_proxy ${upstream}
	}`;
    })
    .join("");
}

/** Registers the tests. */
export function vendorTests(rig) {
  for (const sdk of sdks) {
    describe(`${nameOf(sdk)}: ${sdk.package}`, () => {
      const own = keys.get(sdk);

      test("takes what the gateway takes, and that takes nothing that was changed", async () => {
        const only = await delivery(sdk, own);
        const forged = [await delivery(sdk, newKeys(sdk))];
        if (sdk.time) forged.push(await delivery(sdk, own, -600_000), await delivery(sdk, own, 600_000));
        const changed = (sdk.change ?? ((body) => flipBit(body, someBit(body))))(only.body);
        only.forgeries = [{ body: changed }, ...forged.map(({ path, headers, body }) => ({ path, headers, body }))];
        await trial(rig, [only]);
      });

      if (sdk.command ?? true) {
        test("takes what hookseal webhook send signs", async () => {
          const id = randomUUID();
          for (const body of [sdk.message(id, Date.now()).body, { note: "Zwölf Äpfel, 12 € 🍏" }].map(bytesOf)) {
            const record = await sendSigned(rig, { provider: sdk.preset, secret: own.signs, body, flags: ["--id", id, "--event", sdk.event ?? "ping"] });
            await accepts(sdk, own, record);
            await assert.rejects(accepts(sdk, newKeys(sdk), record), "the SDK accepts any secret");
            record.body = Buffer.from(record.body.toString().replace(/[a-z]/, "_"));
            await assert.rejects(accepts(sdk, own, record), "the SDK accepts any body");
          }
        });
      }
    });
  }
}

async function accepts(sdk, { verifies }, record) {
  assert.notEqual(await sdk.accept(verifies, record), false, "not genuine");
}

const bytesOf = (body) => Buffer.from(typeof body === "string" ? body : JSON.stringify(body));

/** A delivery as the vendor sends it, signed so many milliseconds from now. */
async function delivery(sdk, keys, after = 0) {
  const id = randomUUID();
  const time = Date.now() + after;
  const seconds = Math.floor(time / 1000);
  const { headers = {}, query = {}, body: content } = sdk.message(id, time);
  const body = bytesOf(content);
  const signed = await sdk.sign(keys, { id, body, headers, query, stamp: String(sdk.time === "ms" ? time : seconds) });
  const parameters = new URLSearchParams({ ...query, ...signed.query }).toString();
  return {
    path: `/vendors/${nameOf(sdk)}${parameters && `?${parameters}`}`,
    headers: { Accept: "*/*", "Content-Type": "application/json", ...headers, ...signed.headers },
    body,
    verified: {
      provider: sdk.preset,
      ...(sdk.event && { event: sdk.event }),
      ...((sdk.hasID ?? true) && { id }),
      ...(sdk.time && { timestamp: String(seconds) }),
      key: "current",
    },
    copies: [{}],
    async accept(record) {
      await accepts(sdk, keys, record);
      await assert.rejects(accepts(sdk, newKeys(sdk), record), "the SDK accepts any secret");
    },
  };
}
