import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, test } from "node:test";

import Stripe from "stripe";

import { allBits, flipBit, someBit } from "./sender.js";
import { trial } from "./trial.js";

export const secretName = "STRIPE_WEBHOOK_SECRET";

/**
 * The directives of the route: the body must say the same id as the gateway, and each family of
 * events, such as customer.**, goes to a path of its own.
 */
export function site(upstream) {
  const rules = [...new Set([...eventTypes(), thinType].map(family))].map(
    (name) => `
			event ${name}.** {
				rewrite * /stripe/${name}
				reverse_proxy ${upstream}
			}`,
  );
  return `
	handle /stripe {
		webhook_verify stripe {
			secret {env.${secretName}} current
		}
		webhook_route {
			require \`body.id == id\`${rules.join("")}
			otherwise reject
		}
	}`;
}

const thinType = "v1.billing.meter.error_report_triggered";

function family(type) {
  return type.split(".")[0];
}

/** Registers the tests. */
export function stripeTests(rig) {
  const secret = rig.secrets[secretName];

  describe("Stripe: an event of every type, signed by stripe", () => {
    test("each once, and none that was changed", async (t) => {
      const types = eventTypes();
      assert.ok(types.length > 200, `${types.length} types of events`);
      assert.equal(await trial(rig, types.map((type) => delivery(secret, snapshot(type)))), types.length);
      t.diagnostic(`${types.length} types of events`);
    });

    test("a thin event", async () => {
      const thin = delivery(secret, {
        id: newID("evt_test_"),
        object: "v2.core.event",
        type: thinType,
        created: new Date().toISOString(),
        livemode: false,
        related_object: { id: newID("mtr_test_"), type: "billing.meter", url: "/v1/billing/meters/mtr_test" },
      });
      const client = new Stripe("sk_test_unused");
      thin.accept = (record) => client.parseEventNotification(record.body, record.headers["stripe-signature"], secret);
      await trial(rig, [thin]);
    });

    test("no bit of body or signature can be changed", async () => {
      const only = delivery(secret, { id: newID("evt_"), type: "charge.succeeded" });
      only.forgeries = [
        ...allBits(only.body.length).map((bit) => ({ body: flipBit(only.body, bit) })),
        ...allBits(32).map((bit) => ({ headers: withBitChanged(only.headers, bit) })),
      ];
      await trial(rig, [only]);
    });

    test("neither another secret, nor a time out of the window, nor v0 alone will do", async () => {
      const only = delivery(secret, snapshot("charge.succeeded"));
      const now = Number(only.verified.timestamp);
      only.forgeries = [
        only.headersAt(now - 600),
        only.headersAt(now + 600),
        only.headersAt(now, newSecret()),
        { ...only.headers, "Stripe-Signature": only.headers["Stripe-Signature"].replace(/v1=[0-9a-f]+,/, "") },
        { ...only.headers, "Stripe-Signature": only.headers["Stripe-Signature"].replace(",v1=", ",v2=") },
      ].map((headers) => ({ headers }));
      await trial(rig, [only]);
    });

    test("while a secret rolls, either signature will do", async () => {
      const rolling = ["charge.refunded", "charge.updated"].map((type) => delivery(secret, snapshot(type)));
      rolling.forEach(({ headers, body }, i) => {
        const [time, ours, v0] = headers["Stripe-Signature"].split(",");
        const other = signature(newSecret(), body, Number(time.slice("t=".length))).split(",")[1];
        headers["Stripe-Signature"] = [time, ...(i ? [ours, other] : [other, ours]), v0].join(",");
      });
      rolling.forEach((delivery) => (delivery.forgeries = []));
      await trial(rig, rolling);
    });
  });
}

/** Makes a secret as Stripe does: all of its text is the key. */
export function newSecret() {
  return newID("whsec_");
}

function newID(prefix) {
  return prefix + randomBytes(16).toString("hex");
}

/** Every type of event that the SDK declares. The package exports no list of them at run time. */
function eventTypes() {
  const declarations = new URL("resources/Events.d.ts", import.meta.resolve("stripe"));
  const text = readFileSync(fileURLToPath(declarations), "utf8");
  return [...new Set(Array.from(text.matchAll(/^\s+type: '([a-z0-9_.]+)';$/gm), ([, type]) => type))];
}

/** An event that holds its object, as most are. */
function snapshot(type) {
  const object = type.split(".").at(-2);
  return {
    id: newID("evt_"),
    object: "event",
    api_version: "2025-03-31.basil",
    created: Math.floor(Date.now() / 1000),
    data: { object: { id: newID(`${object}_`), object, amount: 2099, description: "Zwölf Äpfel, 12 € 🍏\r\n</b>", metadata: {} } },
    livemode: false,
    pending_webhooks: 1,
    request: { id: null, idempotency_key: null },
    type,
  };
}

/** A delivery as Stripe sends it. */
function delivery(secret, event) {
  const now = Math.floor(Date.now() / 1000);
  const body = Buffer.from(JSON.stringify(event, null, 2));
  const headersAt = (time, key = secret) => ({
    Accept: "*/*; q=0.5, application/xml",
    "Cache-Control": "no-cache",
    "Content-Type": "application/json; charset=utf-8",
    "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
    "Stripe-Signature": signature(key, body, time),
  });
  const headers = headersAt(now);
  const signed = headers["Stripe-Signature"];
  return {
    path: "/stripe",
    forwarded: `/stripe/${family(event.type)}`,
    headers,
    headersAt,
    body,
    verified: { provider: "stripe", event: event.type, id: event.id, timestamp: String(now), key: "current" },
    forgeries: [
      { body: flipBit(body, someBit(body)) },
      { headers: withBitChanged(headers, event.type.length) },
      { headers: { ...headers, "Stripe-Signature": signed.replace(/t=\d+/, `t=${now - 1}`) } },
    ],
    // The second is a retry, signed anew at another time.
    copies: [{}, { headers: headersAt(now - 10) }],
    accept(record) {
      const parsed = Stripe.webhooks.constructEvent(record.body, record.headers["stripe-signature"], secret);
      assert.equal(parsed.id, event.id);
    },
  };
}

/** The header, with the v0 entry that Stripe adds to test events. */
function signature(secret, body, timestamp) {
  const payload = body.toString();
  const v1 = Stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp });
  const v0 = Stripe.webhooks.generateTestHeaderString({ payload, secret: newSecret(), timestamp, scheme: "v0" });
  return `${v1},${v0.split(",")[1]}`;
}

/** The headers with one bit of the signature changed. */
function withBitChanged(headers, bit) {
  const changed = headers["Stripe-Signature"].replace(/(?<=v1=)[0-9a-f]+/, (digest) => flipBit(Buffer.from(digest, "hex"), bit).toString("hex"));
  return { ...headers, "Stripe-Signature": changed };
}
